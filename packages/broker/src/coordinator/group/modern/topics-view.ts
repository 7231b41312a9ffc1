// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'

export interface KnownTopic {
  readonly id: string
  readonly name: string
  readonly partitionCount: number
}

/** The existing topics, as a group coordinator sees them. */
export interface TopicsView {
  byName(name: string): KnownTopic | undefined
  byId(id: string): KnownTopic | undefined
  names(): Iterable<string>
  /** Increases with every change of topics. */
  readonly version: number
}

/** Ids of the existing topics among these names. */
export function topicIds(names: Iterable<string>, topics: TopicsView): Set<string> {
  const ids = new Set<string>()
  for (const name of names) {
    const id = topics.byName(name)?.id
    if (id !== undefined) ids.add(id)
  }
  return ids
}

/**
 * A hash of a group's topics that changes when they do; 0 without topics. Kafka's hash function
 * differs, so a group whose data directory moves is reassigned once.
 */
export function metadataHash(names: Iterable<string>, topics: TopicsView): bigint {
  const known = [...names]
    .sort()
    .flatMap((name) => topics.byName(name) ?? [])
    .map(({ id, name, partitionCount }) => `${id} ${name} ${partitionCount}\n`)
  if (known.length === 0) return 0n
  return createHash('sha1').update(known.join('')).digest().readBigInt64BE(0)
}
