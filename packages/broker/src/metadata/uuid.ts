// SPDX-License-Identifier: Apache-2.0
import type { Random } from '@millrace/base'

/**
 * A random id as Kafka prints them: 22 characters of URL-safe base64. None begins with a dash,
 * which tools would take for an option.
 */
export function newUuid(random: Random): string {
  for (;;) {
    const id = random.bytes(16).toString('base64url')
    if (!id.startsWith('-')) return id
  }
}
