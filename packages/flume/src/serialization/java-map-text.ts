// SPDX-License-Identifier: Apache-2.0
import type { Headers } from '../event.ts'

/** Headers as Java's map text, in the order in which they were set. (A HashMap has no order.) */
export function javaMapText(headers: Readonly<Headers>): string {
  const entries = Object.entries(headers).map(([name, value]) => `${name}=${value}`)
  return `{${entries.join(', ')}}`
}
