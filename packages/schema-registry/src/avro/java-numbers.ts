// SPDX-License-Identifier: Apache-2.0
// Numbers as Java writes and reads them: schemas are compared by their texts.

/** JSON text of a double: at least one digit after the point; NaN and infinities in quotes. */
export function doubleText(value: number): string {
  const magnitude = Math.abs(value)
  // Java writes the closest of the shortest texts that have at least two digits.
  const twoDigits = magnitude.toExponential(1)
  return numberText(value, Number(twoDigits) === magnitude ? twoDigits : magnitude.toExponential())
}

/** JSON text of a number that is rounded to a float. */
export function floatText(value: number): string {
  const float = Math.fround(value)
  const magnitude = Math.abs(float)
  for (let digits = 1; digits < 9; digits += 1) {
    const text = magnitude.toExponential(digits)
    if (Math.fround(Number(text)) === magnitude) return numberText(float, text)
  }
  return numberText(float, magnitude.toExponential())
}

/** Text of a number, from the shortest digits of its magnitude in the form `1.25e+3`. */
function numberText(value: number, magnitude: string): string {
  if (!Number.isFinite(value)) return `"${value}"`
  const sign = value < 0 || Object.is(value, -0) ? '-' : ''
  const [mantissa = '', power = ''] = magnitude.split('e')
  const digits = mantissa.replace('.', '').replace(/0+$/, '').padEnd(1, '0')
  const exponent = Number(power)
  if (value !== 0 && (exponent < -3 || exponent >= 7)) {
    return `${sign}${digits.slice(0, 1)}.${digits.slice(1) || '0'}E${exponent}`
  }
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0')
  return `${sign}${whole}.${digits.slice(exponent + 1) || '0'}`
}

const decimal =
  /^([+-]?)(?:(NaN|Infinity)|((?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)[fFdD]?)$/
const hexadecimal = /^([+-]?)0[xX]([0-9a-fA-F]*)\.?([0-9a-fA-F]*)[pP]([+-]?[0-9]+)[fFdD]?$/

/** Reads a number as Java's `Double.parseDouble`; undefined if the text is not one. */
export function parseDouble(text: string): number | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: Java trims control characters, too
  const trimmed = text.replace(/^[\u0000- ]+/, '').replace(/[\u0000- ]+$/, '')
  const match = decimal.exec(trimmed)
  if (match !== null) {
    const [, sign, word, digits] = match
    const value = Number(word ?? digits)
    return sign === '-' ? -value : value
  }
  const hex = hexadecimal.exec(trimmed)
  if (hex === null) return undefined
  const [, sign, whole = '', fraction = '', power] = hex
  if (whole + fraction === '') return undefined
  const mantissa = Number(BigInt(`0x${whole}${fraction}`))
  const value = mantissa * 2 ** (Number(power) - 4 * fraction.length)
  return sign === '-' ? -value : value
}
