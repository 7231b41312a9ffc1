// SPDX-License-Identifier: Apache-2.0
import type { Deserializers } from '../consumer/consumer-record.ts'
import {
  type ClientOptions,
  choiceOption,
  clientOptionNames,
  InvalidOptionError,
  numberOption,
  rejectUnknownOptions,
} from '../options.ts'
import type { Topic } from '../serde/topic.ts'

/** Whether records are accepted with the next `poll` (`implicit`) or one by one (`explicit`). */
export type AcknowledgementMode = 'implicit' | 'explicit'

/**
 * Options of a `ShareConsumer`: those of every client, and its own. Names and defaults are Java's
 * unless noted.
 */
export interface ShareConsumerOptions extends ClientOptions {
  /**
   * The share group: its members share the records of its topics; each record is acquired by one
   * member at a time.
   */
  readonly groupId: string
  /** Topics to subscribe to from the start. Typed topics give records their types. */
  readonly topics?: readonly (string | Topic<unknown, unknown>)[]
  /** Deserializers of topics without types. Default: Buffers. */
  readonly deserializers?: Deserializers<unknown, unknown>
  /**
   * `implicit`: what a `poll` returned counts as accepted with the next one. `explicit`: every
   * record must be acknowledged before the next `poll`. Default `implicit`.
   */
  readonly acknowledgementMode?: AcknowledgementMode
  /**
   * `record_limit` never acquires more than `maxPollRecords`; `batch_optimized` acquires whole
   * batches, which is faster (KIP-1206). Default.
   */
  readonly acquireMode?: 'batch_optimized' | 'record_limit'
  /** Maximum number of records that `poll` returns; whole batches may exceed it. Default 500. */
  readonly maxPollRecords?: number
  /**
   * Minimum size of a fetch reply; with less, the broker waits up to `fetchMaxWaitMs`. Default 1.
   */
  readonly fetchMinBytes?: number
  /** Maximum size of a fetch reply, bytes. Default 52,428,800. */
  readonly fetchMaxBytes?: number
  /** Maximum time that a broker may hold a fetch. Default 500. */
  readonly fetchMaxWaitMs?: number
  /** Whether checksums of batches are verified. Default true. */
  readonly checkCrcs?: boolean
  /** Rack of this client, sent to the group's coordinator. */
  readonly clientRack?: string
  /** Time-out of calls such as `commit`. Default 60,000. */
  readonly defaultApiTimeoutMs?: number
}

const ownNames: readonly (keyof ShareConsumerOptions)[] = [
  'groupId',
  'topics',
  'deserializers',
  'acknowledgementMode',
  'acquireMode',
  'maxPollRecords',
  'fetchMinBytes',
  'fetchMaxBytes',
  'fetchMaxWaitMs',
  'checkCrcs',
  'clientRack',
  'defaultApiTimeoutMs',
]
export const shareConsumerOptionNames = [...clientOptionNames, ...ownNames]

export interface ResolvedShareConsumerOptions {
  readonly groupId: string
  readonly isExplicit: boolean
  /** On the wire: 1 for `record_limit`. */
  readonly acquireMode: 0 | 1
  readonly maxPollRecords: number
  readonly fetchMinBytes: number
  readonly fetchMaxBytes: number
  readonly fetchMaxWaitMs: number
  readonly checkCrcs: boolean
  readonly clientRack: string
  readonly defaultApiTimeoutMs: number
}

export function resolveShareConsumerOptions(
  options: ShareConsumerOptions,
): ResolvedShareConsumerOptions {
  rejectUnknownOptions(options, shareConsumerOptionNames)
  const number = (name: keyof ShareConsumerOptions, fallback: number, min = 0): number =>
    numberOption(name, options[name] as number | undefined, { fallback, min })
  if (typeof options.groupId !== 'string' || options.groupId === '') {
    throw new InvalidOptionError('groupId', options.groupId, 'a name')
  }
  const mode = choiceOption('acknowledgementMode', options.acknowledgementMode, {
    fallback: 'implicit',
    allowed: ['implicit', 'explicit'],
  })
  const acquire = choiceOption('acquireMode', options.acquireMode, {
    fallback: 'batch_optimized',
    allowed: ['batch_optimized', 'record_limit'],
  })
  return {
    groupId: options.groupId,
    isExplicit: mode === 'explicit',
    acquireMode: acquire === 'record_limit' ? 1 : 0,
    maxPollRecords: number('maxPollRecords', 500, 1),
    fetchMinBytes: number('fetchMinBytes', 1),
    fetchMaxBytes: number('fetchMaxBytes', 52_428_800, 1),
    fetchMaxWaitMs: number('fetchMaxWaitMs', 500),
    checkCrcs: options.checkCrcs ?? true,
    clientRack: options.clientRack ?? '',
    defaultApiTimeoutMs: number('defaultApiTimeoutMs', 60_000, 1),
  }
}
