// SPDX-License-Identifier: Apache-2.0
import type { Headers } from '../event.ts'

/** Headers as Java shows a map, in the order they were set. (A HashMap's order says nothing.) */
export function javaMapText(headers: Readonly<Headers>): string {
  const entries = Object.entries(headers).map(([name, value]) => `${name}=${value}`)
  return `{${entries.join(', ')}}`
}
