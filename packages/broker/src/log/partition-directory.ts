// SPDX-License-Identifier: Apache-2.0
import { MillraceError, type Random } from '@millrace/base'
import { isReservedTopic, topicNameError } from '../topic-name.ts'

/** Directory of the metadata log, which belongs to no topic. */
export const METADATA_DIRECTORY = '__cluster_metadata-0'

/** Longest file name that common file systems accept, in bytes; topic names are ASCII. */
const MAX_FILE_NAME = 255

/** A partition as the name of its directory tells it. */
export interface PartitionName {
  readonly topic: string
  readonly partition: number
}

/**
 * Name of the directory that holds a partition: `topic-partition`. Every path of a partition is
 * built from it, so this is the one place that decides whether a topic's name may reach the file
 * system. Throws `MILLRACE_INVALID_TOPIC_NAME`.
 */
export function partitionDirectory(topic: string, partition: number): string {
  const error = partitionError(topic, partition)
  if (error !== undefined) throw new MillraceError('MILLRACE_INVALID_TOPIC_NAME', error)
  return `${topic}-${partition}`
}

/** What keeps a partition from having a directory. */
function partitionError(topic: string, partition: number): string | undefined {
  const error = topicNameError(topic)
  if (error !== undefined) return error
  if (isReservedTopic(topic)) {
    return `Topic name is invalid: '${topic}' is the broker's own metadata log`
  }
  if (!Number.isInteger(partition) || partition < 0 || partition > 0x7fffffff) {
    return `Partition ${partition} of topic '${topic}' is invalid: expected 0 to 2147483647`
  }
  return undefined
}

/** What an entry of a log directory is. */
export type LogDirectoryEntry =
  | ({ readonly kind: 'partition' } & PartitionName)
  /** The metadata log. */
  | { readonly kind: 'metadata' }
  /** Marked for deletion, or a move that was not finished: its files are not needed. */
  | { readonly kind: 'discarded' }
  /** A partition that was set aside because no topic of the metadata has it. */
  | { readonly kind: 'stray' }
  /** `topic-partition` in form, but no topic can have it. */
  | { readonly kind: 'unnamed' }
  /** Not a directory of the log's. */
  | { readonly kind: 'other' }

/** Tells by its name what a directory in a log directory is. */
export function classifyDirectory(name: string): LogDirectoryEntry {
  if (name === METADATA_DIRECTORY) return { kind: 'metadata' }
  if (/^.+-\d+\.[^.]+-(delete|future)$/.test(name)) return { kind: 'discarded' }
  if (/^.+-\d+\.[^.]+-stray$/.test(name)) return { kind: 'stray' }
  const match = /^(.+)-(\d+)$/.exec(name)
  if (match === null) return { kind: 'other' }
  const [, topic = '', digits = ''] = match
  const partition = Number(digits)
  const isCanonical = String(partition) === digits && partitionError(topic, partition) === undefined
  return isCanonical ? { kind: 'partition', topic, partition } : { kind: 'unnamed' }
}

/**
 * Name for a partition's directory that waits to be removed or is set aside; a long topic name is
 * cut, as in Kafka.
 */
export function retiredDirectory(name: string, suffix: 'delete' | 'stray', random: Random): string {
  const dash = name.lastIndexOf('-')
  const tail = `${name.slice(dash)}.${random.bytes(16).toString('hex')}-${suffix}`
  return name.slice(0, Math.min(dash, MAX_FILE_NAME - tail.length)) + tail
}

const FUTURE_SUFFIX_SIZE = 1 + 32 + '-future'.length

/**
 * Whether the directory of a partition can have a copy beside it: a long topic name leaves no room
 * for its suffix.
 */
export function canBeMoved(topic: string, partition: number): boolean {
  return `${topic}-${partition}`.length + FUTURE_SUFFIX_SIZE <= MAX_FILE_NAME
}

/** Name for a partition's directory while it is copied; see `canBeMoved`. */
export function futureDirectory(name: string, random: Random): string {
  return `${name}.${random.bytes(16).toString('hex')}-future`
}
