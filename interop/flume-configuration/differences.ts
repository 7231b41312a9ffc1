// SPDX-License-Identifier: Apache-2.0
// Where ours and Flume 1.11 load other components of a changed configuration, each with the reason.
import type { Case, Change } from './mutations.ts'

export interface Difference {
  /** Which of the two loads more. */
  readonly more: 'flume' | 'millrace'
  readonly keys: RegExp
  /** All changes when absent. */
  readonly changes?: readonly Change[]
  readonly reason: string
}

export function explains({ keys, changes }: Difference, { key, change }: Case): boolean {
  return keys.test(key) && (changes === undefined || changes.includes(change))
}

const notPositive: readonly Change[] = ['negative', 'zero']
const tooLarge: readonly Change[] = ['large', 'huge']

export const differences: readonly Difference[] = [
  {
    more: 'flume',
    keys: /\.ports?$/,
    changes: ['negative', 'otherName'],
    reason: 'no such port: Flume fails when it listens or connects',
  },
  {
    more: 'flume',
    keys: /([bB]atchSize|eventSize|max-line-length|maxOpenFiles|pollDelay|writePosInterval)$/,
    changes: notPositive,
    reason: 'Flume fails at its start, or never passes an event on',
  },
  {
    more: 'flume',
    keys: /\.(hdfs\.fileType|hdfs\.writeFormat|(sink\.)?serializer|deserializer|deletePolicy|inputCharset)$/,
    reason: 'a word that does not exist: Flume fails at the first event',
  },
  {
    more: 'flume',
    keys: /\.deserializer\.maxLineLength$/,
    reason: 'Flume reads the number at the first file',
  },
  {
    more: 'flume',
    keys: /\.kafka\.producer\.(acks|linger\.ms)$/,
    reason: 'the Kafka client refuses the value when Flume starts it',
  },
  {
    more: 'flume',
    keys: /\.replaceString$/,
    changes: ['noVariable'],
    reason: 'Java refuses the replacement at the first event',
  },
  {
    more: 'millrace',
    keys: /./,
    changes: tooLarge,
    reason: "numbers beyond Java's int or long",
  },
  {
    more: 'millrace',
    keys: /\.(type|handler)$/,
    changes: ['upperCase'],
    reason: 'names of classes in any case',
  },
  {
    more: 'millrace',
    keys: /\.(hdfs\.(closeTries|retryInterval|rollTimerPoolSize|threadsPoolSize)|batchTimeout|charset|backoffSleepIncrement|batchDurationMillis|maxBackoffSleep|maxBackoff|numProcessors)$/,
    reason: 'the key has no effect here, and its value is not read',
  },
  {
    more: 'millrace',
    keys: /\.positionFile$/,
    reason: 'a relative path; Flume fails on a path without a directory',
  },
  {
    more: 'millrace',
    keys: /(\.sinkgroups\.g1\.sinks|^a1\.sinks)$/,
    reason: 'Flume fails for a group without sinks; here its sinks run by themselves',
  },
  {
    more: 'millrace',
    keys: /^a1\.sinks\.k[12]\.(channel|type)$/,
    reason: 'the other sink of a load-balancing group runs alone',
  },
  {
    more: 'flume',
    keys: /\.(includePattern|ignorePattern|filegroups\.f[12])$/,
    changes: ['noVariable'],
    reason: 'Flume compiles the pattern when the source starts, and fails then again and again',
  },
]
