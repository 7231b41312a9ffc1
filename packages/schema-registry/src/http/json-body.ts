// SPDX-License-Identifier: Apache-2.0
import { RegistryError } from '../registry/registry-error.ts'

/**
 * Limits of a body. A text takes as long as its length; values of other kinds take much longer, and
 * memory: 8 MB of brackets took a second.
 */
export const bodyLimits = {
  /** Values and keys, about. */
  values: 20_000,
  /** Levels of arrays and objects. */
  nesting: 100,
  /** Digits of a number. */
  numberLength: 1000,
} as const

const QUOTE = 0x22
const BACKSLASH = 0x5c

/** Parses a body. Throws 400. */
export function readJson(bytes: Buffer): unknown {
  checkShape(bytes)
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new RegistryError(400, `the body is not JSON: ${reason}`, { cause: error })
  }
}

/** Throws 400 for a body over the limits. It need not be valid JSON. */
function checkShape(bytes: Uint8Array): void {
  let values = 0
  let depth = 0
  let plain = 0
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]
    switch (byte) {
      case QUOTE:
        at = endOfText(bytes, at + 1)
        plain = 0
        break
      case 0x7b: // {
      case 0x5b: // [
        depth++
        values++
        plain = 0
        if (depth > bodyLimits.nesting) throw over('levels', bodyLimits.nesting)
        break
      case 0x7d: // }
      case 0x5d: // ]
        depth--
        plain = 0
        break
      case 0x2c: // ,
      case 0x3a: // :
        values++
        plain = 0
        break
      case 0x20:
      case 0x0a:
      case 0x0d:
      case 0x09:
        plain = 0
        break
      default:
        plain++
        if (plain > bodyLimits.numberLength) throw over('digits', bodyLimits.numberLength)
    }
    if (values > bodyLimits.values) throw over('values', bodyLimits.values)
  }
}

/** Position of the quote that ends a text, or the end of the bytes. */
function endOfText(bytes: Uint8Array, start: number): number {
  let at = start
  while (at < bytes.length && bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1
  return at
}

function over(what: string, limit: number): RegistryError {
  return new RegistryError(400, `the body has more than ${limit} ${what}`)
}
