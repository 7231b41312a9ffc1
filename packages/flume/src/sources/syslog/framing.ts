// SPDX-License-Identifier: Apache-2.0

const NEWLINE = 0x0a
const CARRIAGE_RETURN = 0x0d
const LESS = 0x3c
const GREATER = 0x3e
const SPACE = 0x20

export interface Message {
  readonly bytes: Buffer
  /** Whether the message begins with `<`, one to three digits, `>`. */
  readonly hasPriority: boolean
  /** Whether this is a part of a message that exceeds the limit. */
  readonly isCut: boolean
}

/**
 * Splits a stream into messages: lines, or messages with their length in front (RFC 6587, octet
 * counting), decided for each message. A message of more than `maxSize` bytes is returned in parts.
 */
export class MessageFramer {
  readonly #maxSize: number
  #rest: Buffer[] = []
  #restSize = 0
  /**
   * Bytes that complete the message in `#rest`; fewer may be enough if there is a line break in
   * them.
   */
  #wanted = 0
  #isCounted = false

  constructor(maxSize: number) {
    this.#maxSize = Math.max(maxSize, 10)
  }

  push(chunk: Buffer): Message[] {
    this.#rest.push(chunk)
    this.#restSize += chunk.length
    // Concatenated once per message.
    const endsLine = !this.#isCounted && chunk.includes(NEWLINE)
    if (this.#restSize < this.#wanted && !endsLine) return []
    const data = this.#rest.length === 1 ? chunk : Buffer.concat(this.#rest, this.#restSize)
    const messages: Message[] = []
    let from = 0
    this.#wanted = 0
    this.#isCounted = false
    while (from < data.length) {
      // Empty lines, and the line break after a line of maximum length.
      if (data[from] === NEWLINE) {
        from++
        continue
      }
      const counted = countedMessage(data, from)
      if (counted === 'incomplete') break
      if (counted !== undefined && counted.end > data.length) {
        this.#wanted = counted.end - from
        this.#isCounted = true
        break
      }
      if (counted !== undefined) {
        this.#pushCounted(messages, data.subarray(counted.start, counted.end))
        from = counted.end
        continue
      }
      const end = data.indexOf(NEWLINE, from)
      const size = (end < 0 ? data.length : end) - from
      if (size >= this.#maxSize) {
        messages.push(messageOf(data.subarray(from, from + this.#maxSize), true))
        from += this.#maxSize
        continue
      }
      if (end < 0) {
        this.#wanted = this.#maxSize
        break
      }
      const last = size > 0 && data[end - 1] === CARRIAGE_RETURN ? end - 1 : end
      if (last > from) messages.push(messageOf(data.subarray(from, last), false))
      from = end + 1
    }
    this.#rest = from === data.length ? [] : [data.subarray(from)]
    this.#restSize = data.length - from
    return messages
  }

  #pushCounted(messages: Message[], bytes: Buffer): void {
    if (bytes.length === 0) return
    const isCut = bytes.length > this.#maxSize
    messages.push(messageOf(isCut ? bytes.subarray(0, this.#maxSize) : bytes, isCut))
  }
}

/** A datagram as one message. */
export function messageOf(bytes: Buffer, isCut: boolean): Message {
  return { bytes, isCut, hasPriority: startsWithPriority(bytes) }
}

function startsWithPriority(bytes: Buffer): boolean {
  if (bytes[0] !== LESS) return false
  for (let i = 1; i < 5; i++) {
    const byte = bytes[i]
    if (byte === undefined) return false
    if (byte === GREATER) return i > 1
    if (byte < 0x30 || byte > 0x39) return false
  }
  return false
}

/**
 * `123 <34>…`: range of the message, which may be incomplete; undefined if this is not a length.
 */
function countedMessage(
  data: Buffer,
  from: number,
): { readonly start: number; readonly end: number } | 'incomplete' | undefined {
  let at = from
  let size = 0
  while (at < data.length && at - from < 7) {
    const byte = data[at] as number
    if (byte < 0x30 || byte > 0x39) break
    size = size * 10 + byte - 0x30
    at++
  }
  if (at === from || data[from] === 0x30) return undefined
  if (at + 1 >= data.length) return data.indexOf(NEWLINE, from) < 0 ? 'incomplete' : undefined
  if (data[at] !== SPACE || data[at + 1] !== LESS) return undefined
  const start = at + 1
  return { start, end: start + size }
}
