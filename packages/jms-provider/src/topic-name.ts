// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'

const MAX_LENGTH = 249

/**
 * Returns the Kafka topic name for a destination: the same name if Kafka allows it. Otherwise
 * invalid characters are replaced by underscores, and a hash is appended to keep names distinct.
 */
export function topicNameFor(name: string): string {
  const isLegal =
    /^[\w.-]+$/.test(name) &&
    name.length <= MAX_LENGTH &&
    name !== '.' &&
    name !== '..' &&
    !name.startsWith('__')
  if (isLegal) return name
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 8)
  const plain = name.replaceAll(/[^\w.-]/g, '_').replace(/^__/, '_')
  return `${plain.slice(0, MAX_LENGTH - hash.length - 1)}-${hash}`
}
