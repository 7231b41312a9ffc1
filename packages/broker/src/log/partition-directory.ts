// SPDX-License-Identifier: Apache-2.0
import { MillraceError, type Random } from '@millrace/base'
import { isReservedTopic, topicNameError } from '../topic-name.ts'

/** Directory of the metadata log, which belongs to no topic. */
export const METADATA_DIRECTORY = '__cluster_metadata-0'

/** Maximum file name length of common file systems, in bytes; topic names are ASCII. */
const MAX_FILE_NAME = 255

/** A partition, parsed from the name of its directory. */
export interface PartitionName {
  readonly topic: string
  readonly partition: number
}

/**
 * Name of the directory of a partition: `topic-partition`. All paths of a partition are built from
 * it, so this is the only place that decides whether a topic name may be used in a path. Throws
 * `MILLRACE_INVALID_TOPIC_NAME`.
 */
export function partitionDirectory(topic: string, partition: number): string {
  const error = partitionError(topic, partition)
  if (error !== undefined) throw new MillraceError('MILLRACE_INVALID_TOPIC_NAME', error)
  return `${topic}-${partition}`
}

/** Why a partition cannot have a directory. */
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

/** Type of an entry of a log directory. */
export type LogDirectoryEntry =
  | ({ readonly kind: 'partition' } & PartitionName)
  /** The metadata log. */
  | { readonly kind: 'metadata' }
  /** Marked for deletion, or an interrupted move: its files are not needed. */
  | { readonly kind: 'discarded' }
  /** A partition that was renamed because it is not in the metadata. */
  | { readonly kind: 'stray' }
  /** `topic-partition` in form, but not a valid topic name. */
  | { readonly kind: 'unnamed' }
  /** Not a directory of a log. */
  | { readonly kind: 'other' }

/** Determines the type of a directory by its name. */
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
 * Name of a partition's directory that is to be deleted or was renamed; as in Kafka, a long topic
 * name is truncated.
 */
export function retiredDirectory(name: string, suffix: 'delete' | 'stray', random: Random): string {
  const dash = name.lastIndexOf('-')
  const tail = `${name.slice(dash)}.${random.bytes(16).toString('hex')}-${suffix}`
  return name.slice(0, Math.min(dash, MAX_FILE_NAME - tail.length)) + tail
}

const FUTURE_SUFFIX_SIZE = 1 + 32 + '-future'.length

/**
 * Whether a partition's directory can have a copy next to it: a long topic name leaves no room for
 * its suffix.
 */
export function canBeMoved(topic: string, partition: number): boolean {
  return `${topic}-${partition}`.length + FUTURE_SUFFIX_SIZE <= MAX_FILE_NAME
}

/** Name of a partition's directory while it is copied; see `canBeMoved`. */
export function futureDirectory(name: string, random: Random): string {
  return `${name}.${random.bytes(16).toString('hex')}-future`
}
