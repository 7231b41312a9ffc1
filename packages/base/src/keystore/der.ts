// SPDX-License-Identifier: Apache-2.0
import { MalformedInputError } from '@millrace/base'

/** A DER value: its tag, and where its contents begin and end. */
export interface DerValue {
  readonly tag: number
  readonly start: number
  readonly end: number
}

/** The DER value at `offset`. Throws `MalformedInputError` if it is truncated. */
export function derValue(der: Buffer, offset: number): DerValue {
  const tag = der[offset]
  let size = der[offset + 1]
  if (tag === undefined || size === undefined)
    throw new MalformedInputError('a DER value is missing')
  let start = offset + 2
  if (size >= 0x80) {
    const count = size - 0x80
    if (count === 0 || count > 4 || start + count > der.length) {
      throw new MalformedInputError('a DER value has an invalid length')
    }
    size = der.readUIntBE(start, count)
    start += count
  }
  if (start + size > der.length) throw new MalformedInputError('a DER value is cut short')
  return { tag, start, end: start + size }
}

/** A DER value and its contents. */
export class Der {
  /** Tag of the type. */
  readonly tag: number
  /** The contents, without tag and length. */
  readonly contents: Buffer
  /** The whole value, tag and length included. */
  readonly bytes: Buffer

  /** Reads the value at `offset`. Throws `MalformedInputError` if it is cut short. */
  constructor(bytes: Buffer, offset = 0) {
    const { tag, start, end } = derValue(bytes, offset)
    this.tag = tag
    this.contents = bytes.subarray(start, end)
    this.bytes = bytes.subarray(offset, end)
  }

  /** The values that this one contains. */
  get parts(): readonly Der[] {
    const parts: Der[] = []
    for (let at = 0; at < this.contents.length; at = derValue(this.contents, at).end) {
      parts.push(new Der(this.contents, at))
    }
    return parts
  }

  /** The value at `index` of those that this one contains. */
  part(index: number): Der {
    const part = this.parts[index]
    if (part === undefined) throw new MalformedInputError('a DER value is missing')
    return part
  }

  /** An object identifier, as `1.2.840.113549.1.7.1`. */
  get oid(): string {
    const [first = 0, ...rest] = this.contents
    const numbers = [
      Math.min(2, Math.floor(first / 40)),
      first - 40 * Math.min(2, Math.floor(first / 40)),
    ]
    let value = 0
    for (const byte of rest) {
      value = value * 128 + (byte & 0x7f)
      if (byte < 0x80) {
        numbers.push(value)
        value = 0
      }
    }
    return numbers.join('.')
  }

  /** A small number. */
  get integer(): number {
    if (this.contents.length > 6) throw new MalformedInputError('a DER number is too large')
    return this.contents.length === 0 ? 0 : this.contents.readUIntBE(0, this.contents.length)
  }
}
