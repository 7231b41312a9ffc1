// SPDX-License-Identifier: Apache-2.0

/** A JSON value that does not fit a schema; the message names its place. */
export class JsonValueError extends TypeError {
  override readonly name = 'JsonValueError'

  /** Creates the error; `path` is the place of `value`, empty for the whole value. */
  constructor(path: string, value: unknown, expected: string) {
    const text = typeof value === 'bigint' ? String(value) : (JSON.stringify(value) ?? 'missing')
    const shown = text.length <= 100 ? text : `${text.slice(0, 100)}…`
    super(`${path === '' ? 'the value' : path} is ${shown}; expected ${expected}`)
  }
}

/** Parses JSON; integers that a number cannot hold are `bigint`. Throws `SyntaxError`. */
export function parseExactJson(text: string): unknown {
  const reviver = (
    _key: string,
    value: unknown,
    context?: { readonly source?: string },
  ): unknown =>
    typeof value === 'number' &&
    !Number.isSafeInteger(value) &&
    /^-?\d+$/.test(context?.source ?? '')
      ? BigInt(context?.source ?? 0)
      : value
  return JSON.parse(text, reviver)
}

/** An integer within bounds: a number, a `bigint` or its digits as text. */
export function integerOf(
  value: unknown,
  { path, min, max }: { readonly path: string; readonly min: bigint; readonly max: bigint },
): bigint {
  const isInteger =
    typeof value === 'bigint' ||
    Number.isSafeInteger(value) ||
    (typeof value === 'string' && /^-?\d{1,20}$/.test(value))
  const number = isInteger ? BigInt(value as bigint | number | string) : undefined
  if (number !== undefined && number >= min && number <= max) return number
  throw new JsonValueError(path, value, `an integer from ${min} to ${max}`)
}

/** Whether a value is a JSON object. */
export function isJsonObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The place of a member. */
export function memberPath(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`
}
