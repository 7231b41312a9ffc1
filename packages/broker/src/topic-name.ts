// SPDX-License-Identifier: Apache-2.0

const MAX_LENGTH = 249

/** Topic of the metadata log. Clients cannot see, create or write to it. */
export const CLUSTER_METADATA_TOPIC = '__cluster_metadata'

/** Whether the name is reserved for the broker. */
export function isReservedTopic(name: string): boolean {
  return name === CLUSTER_METADATA_TOPIC
}

/** Why a topic name is invalid, or undefined if it is valid. */
export function topicNameError(name: string): string | undefined {
  if (name === '') return 'Topic name is invalid: the empty string is not allowed'
  if (name === '.' || name === '..') return `Topic name is invalid: '${name}' is not allowed`
  if (name.length > MAX_LENGTH) {
    return `Topic name is invalid: the length of '${name}' is longer than the max allowed length ${MAX_LENGTH}`
  }
  if (!/^[a-zA-Z0-9._-]+$/.test(name)) {
    return `Topic name is invalid: '${name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'`
  }
  return undefined
}

/**
 * Metric names replace `.` by `_`, so Kafka allows only one of two names that differ only in them.
 */
export function collidesWith(name: string, existing: Iterable<string>): string | undefined {
  if (!/[._]/.test(name)) return undefined
  const unified = name.replaceAll('.', '_')
  for (const other of existing) {
    if (other !== name && other.replaceAll('.', '_') === unified) return other
  }
  return undefined
}
