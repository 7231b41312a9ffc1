// SPDX-License-Identifier: Apache-2.0

/**
 * Why a name is not valid: letters of all alphabets, digits and `_` are allowed, and the first
 * character is not a digit. Like Java, it sees characters outside of the basic plane as two, which
 * are not letters. Undefined if the name is valid.
 */
export function nameError(name: string): string | undefined {
  if (name === '') return 'the name is empty'
  if (!/^(?:\p{L}|_)/u.test(name) || /^[\ud800-\udbff]/.test(name)) {
    return `illegal initial character in the name "${name}"`
  }
  return /^[\p{L}\p{Nd}_]*$/u.test(name) && !/[\ud800-\udfff]/.test(name)
    ? undefined
    : `illegal character in the name "${name}"`
}

/** Whether a name has only what Avro's specification allows: ASCII letters, digits and `_`. */
export function isStrictName(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name)
}
