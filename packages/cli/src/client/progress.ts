// SPDX-License-Identifier: Apache-2.0

const EVERY_MS = 500

export function amount(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let value = bytes
  let unit = 0
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000
    unit++
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`
}

/**
 * A progress line of a long command on stderr. Silent unless stderr is a terminal, or it is
 * requested.
 */
export class Progress {
  readonly #isShown: boolean
  readonly #began = performance.now()
  #last = performance.now()
  #hasLine = false
  records = 0
  bytes = 0

  constructor(isShown: boolean) {
    this.#isShown = isShown
  }

  add(records: number, bytes: number): void {
    this.records += records
    this.bytes += bytes
    const now = performance.now()
    if (!this.#isShown || now - this.#last < EVERY_MS) return
    this.#last = now
    this.#hasLine = true
    process.stderr.write(`\r\x1b[K${this.summary()}`)
  }

  summary(): string {
    const seconds = (performance.now() - this.#began) / 1000
    const rate = Math.round(this.records / seconds)
    return `${this.records} records, ${amount(this.bytes)}, ${rate} records/s, ${amount(this.bytes / seconds)}/s`
  }

  finish(): void {
    if (this.#hasLine) process.stderr.write('\r\x1b[K')
    if (this.#isShown) process.stderr.write(`${this.summary()}\n`)
  }
}
