// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'

export interface KnownTopic {
  readonly id: string
  readonly name: string
  readonly partitionCount: number
}

/** The topics there are, as a group's coordinator sees them. */
export interface TopicsView {
  byName(name: string): KnownTopic | undefined
  byId(id: string): KnownTopic | undefined
  names(): Iterable<string>
  /** Goes up with every change of topics. */
  readonly version: number
}

/** Ids of the topics with these names that exist. */
export function topicIds(names: Iterable<string>, topics: TopicsView): Set<string> {
  const ids = new Set<string>()
  for (const name of names) {
    const id = topics.byName(name)?.id
    if (id !== undefined) ids.add(id)
  }
  return ids
}

/**
 * A number for what a group's topics look like, which changes when they do; 0 without topics. Kafka
 * has another function for it, so a group that moves over is assigned anew once.
 */
export function metadataHash(names: Iterable<string>, topics: TopicsView): bigint {
  const known = [...names]
    .sort()
    .flatMap((name) => topics.byName(name) ?? [])
    .map(({ id, name, partitionCount }) => `${id} ${name} ${partitionCount}\n`)
  if (known.length === 0) return 0n
  return createHash('sha1').update(known.join('')).digest().readBigInt64BE(0)
}
