// SPDX-License-Identifier: Apache-2.0
import type { Random } from '@millrace/base'

/**
 * A random id in Kafka's text form: 22 characters of URL-safe base64. It never starts with a dash,
 * which tools would parse as an option.
 */
export function newUuid(random: Random): string {
  for (;;) {
    const id = random.bytes(16).toString('base64url')
    if (!id.startsWith('-')) return id
  }
}
