// SPDX-License-Identifier: Apache-2.0
import type { Random } from '@millrace/base'

/** A random id in the form of a UUID. */
export function newUuid(random: Random): string {
  const hex = random.bytes(16).toString('hex')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
