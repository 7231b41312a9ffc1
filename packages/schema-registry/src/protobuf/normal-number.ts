// SPDX-License-Identifier: Apache-2.0

/**
 * A number as Confluent's registry prints it in the normal form: hexadecimal and octal as decimal,
 * at most three digits after the point. A text that is not a number is returned unchanged.
 */
export function normalNumber(text: string): string {
  const hexadecimal = /^([+-]?)0[xX]([0-9a-fA-F]+)$/.exec(text)
  if (hexadecimal !== null) return signed(hexadecimal[1], BigInt(`0x${hexadecimal[2]}`))
  const integer = /^([+-]?)(\d+)[lL]?$/.exec(text)
  if (integer !== null) {
    const digits = integer[2] ?? ''
    if (!/[lL]$/.test(text) && /^0\d/.test(digits)) {
      return /^[0-7]+$/.test(digits) ? signed(integer[1], BigInt(`0o${digits}`)) : text
    }
    return signed(integer[1], BigInt(digits))
  }
  const decimal = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)[fFdD]?$/.exec(text)
  if (decimal === null) return text
  return decimalText(decimal[1] ?? text, /[fF]$/.test(text))
}

function signed(sign: string | undefined, value: bigint): string {
  return sign === '-' && value !== 0n ? `-${value}` : String(value)
}

/** Up to seven digits after the point are a 32-bit number, as there. */
function decimalText(text: string, single: boolean): string {
  const digits = /\.(\d*)/.exec(text)?.[1]?.length ?? 0
  const double = Number(text)
  const float = Math.fround(double)
  const small = (digits <= 7 || single) && Number.isFinite(float) && (float !== 0 || double === 0)
  const value = small ? float : double
  if (!Number.isFinite(value)) return text
  return rounded(value)
}

/** Rounds half to even at three digits and drops zeros at the end. */
function rounded(value: number): string {
  const sign = value < 0 || Object.is(value, -0) ? '-' : ''
  const absolute = Math.abs(value)
  if (absolute >= 2 ** 53) return sign + String(BigInt(absolute))
  let thousandths = Number(absolute.toFixed(3).replace('.', ''))
  const exact = absolute * 1000
  const isTie = exact - Math.floor(exact) === 0.5 && exact / 1000 === absolute
  if (isTie && thousandths % 2 === 1) thousandths -= 1
  const whole = Math.floor(thousandths / 1000)
  const fraction = String(thousandths % 1000)
    .padStart(3, '0')
    .replace(/0+$/, '')
  return `${sign}${whole}${fraction === '' ? '' : `.${fraction}`}`
}
