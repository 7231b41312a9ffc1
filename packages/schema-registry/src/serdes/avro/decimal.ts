// SPDX-License-Identifier: Apache-2.0

/** A decimal number: `unscaled` × 10^-`scale`, without rounding. */
export class Decimal {
  /** Digits as an integer. */
  readonly unscaled: bigint
  /** Digits after the point, from 0. */
  readonly scale: number

  /** Creates a number. Throws `RangeError` for a scale that is not an integer from 0. */
  constructor(unscaled: bigint, scale: number) {
    if (!Number.isInteger(scale) || scale < 0) throw new RangeError(`invalid scale ${scale}`)
    this.unscaled = unscaled
    this.scale = scale
  }

  /** Reads `-12.50` or `3`. Throws `RangeError` for another form. */
  static parse(text: string): Decimal {
    const [, sign, whole, fraction = ''] = /^([+-]?)(\d+)(?:\.(\d+))?$/.exec(text) ?? []
    if (whole === undefined) throw new RangeError(`${JSON.stringify(text)} is not a decimal number`)
    const digits = BigInt(whole + fraction)
    return new Decimal(sign === '-' ? -digits : digits, fraction.length)
  }

  /** The same number with another scale. Throws `RangeError` if digits would be lost. */
  withScale(scale: number): Decimal {
    if (scale === this.scale) return this
    if (scale > this.scale) {
      return new Decimal(this.unscaled * 10n ** BigInt(scale - this.scale), scale)
    }
    const divisor = 10n ** BigInt(this.scale - scale)
    if (this.unscaled % divisor !== 0n) {
      throw new RangeError(`${this.toString()} has more than ${scale} digits after the point`)
    }
    return new Decimal(this.unscaled / divisor, scale)
  }

  /** For example `-12.50`, with all digits of the scale. */
  toString(): string {
    const isNegative = this.unscaled < 0n
    const digits = (isNegative ? -this.unscaled : this.unscaled)
      .toString()
      .padStart(this.scale + 1, '0')
    const at = digits.length - this.scale
    const fraction = this.scale === 0 ? '' : `.${digits.slice(at)}`
    return `${isNegative ? '-' : ''}${digits.slice(0, at)}${fraction}`
  }

  /** The text, for JSON. */
  toJSON(): string {
    return this.toString()
  }
}

/** Two's complement, big-endian, as short as possible, or of `size` bytes. */
export function bytesOfInteger(value: bigint, size?: number): Buffer {
  const needed = size ?? minimalBytes(value)
  const bytes = Buffer.alloc(needed)
  let rest = BigInt.asUintN(needed * 8, value)
  for (let at = needed - 1; at >= 0; at -= 1) {
    bytes[at] = Number(rest & 0xffn)
    rest >>= 8n
  }
  return bytes
}

/** The integer of two's complement bytes, big-endian; 0 for no bytes. */
export function integerOfBytes(bytes: Uint8Array): bigint {
  if (bytes.length === 0) return 0n
  const digits = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')
  return BigInt.asIntN(bytes.length * 8, BigInt(`0x${digits}`))
}

function minimalBytes(value: bigint): number {
  // A sign bit, and the bits of the number, or of its complement if negative.
  const bits = (value < 0n ? -value - 1n : value).toString(2).length + 1
  return value === 0n || value === -1n ? 1 : Math.ceil(bits / 8)
}
