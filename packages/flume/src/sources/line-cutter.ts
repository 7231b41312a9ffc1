// SPDX-License-Identifier: Apache-2.0

const NEWLINE = 0x0a
const CARRIAGE_RETURN = 0x0d

/** Cuts chunks into lines. */
export class LineCutter {
  readonly #cutsAtCarriageReturn: boolean
  #rest: Buffer[] = []

  /** With `cutsAtCarriageReturn` a lone one ends a line too, as for Java's `readLine`. */
  constructor({ cutsAtCarriageReturn = false }: { readonly cutsAtCarriageReturn?: boolean } = {}) {
    this.#cutsAtCarriageReturn = cutsAtCarriageReturn
  }

  push(chunk: Buffer): Buffer[] {
    const lines: Buffer[] = []
    let from = 0
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      const part = chunk.subarray(from, end)
      const line = this.#rest.length === 0 ? part : Buffer.concat([...this.#rest, part])
      this.#rest = []
      this.#add(lines, line)
      from = end + 1
    }
    if (from < chunk.length) this.#rest.push(chunk.subarray(from))
    return lines
  }

  /** What is left without a line break. */
  end(): Buffer[] {
    const lines: Buffer[] = []
    const rest = Buffer.concat(this.#rest)
    this.#rest = []
    if (rest.length > 0) this.#add(lines, rest)
    return lines
  }

  #add(lines: Buffer[], line: Buffer): void {
    const end = line.at(-1) === CARRIAGE_RETURN ? line.length - 1 : line.length
    let from = 0
    if (this.#cutsAtCarriageReturn) {
      for (
        let at = line.indexOf(CARRIAGE_RETURN);
        at >= 0 && at < end;
        at = line.indexOf(CARRIAGE_RETURN, from)
      ) {
        lines.push(line.subarray(from, at))
        from = at + 1
      }
    }
    lines.push(line.subarray(from, end))
  }
}
