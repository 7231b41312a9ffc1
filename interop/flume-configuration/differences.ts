// SPDX-License-Identifier: Apache-2.0
// Differences in the components that millrace and Flume 1.11 load, each with the reason.
import type { Case, Change } from './mutations.ts'

export interface Difference {
  /** The agent that loads more components. */
  readonly more: 'flume' | 'millrace'
  readonly keys: RegExp
  /** Absent for all changes. */
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
    reason: 'invalid port: Flume fails when it listens or connects',
  },
  {
    more: 'flume',
    keys: /([bB]atchSize|eventSize|max-line-length|maxOpenFiles|pollDelay|writePosInterval)$/,
    changes: notPositive,
    reason: 'Flume fails at the start, or never forwards an event',
  },
  {
    more: 'flume',
    keys: /\.(hdfs\.fileType|hdfs\.writeFormat|(sink\.)?serializer|deserializer|deletePolicy|inputCharset)$/,
    reason: 'unknown value: Flume fails at the first event',
  },
  {
    more: 'flume',
    keys: /\.deserializer\.maxLineLength$/,
    reason: 'Flume parses the number at the first file',
  },
  {
    more: 'flume',
    keys: /\.kafka\.producer\.(acks|linger\.ms)$/,
    reason: 'the Kafka client rejects the value when Flume starts it',
  },
  {
    more: 'flume',
    keys: /\.replaceString$/,
    changes: ['noVariable'],
    reason: 'Java rejects the replacement at the first event',
  },
  {
    more: 'millrace',
    keys: /./,
    changes: tooLarge,
    reason: "numbers out of range of Java's int or long",
  },
  {
    more: 'millrace',
    keys: /\.(type|handler)$/,
    changes: ['upperCase'],
    reason: 'class names are case-insensitive',
  },
  {
    more: 'millrace',
    keys: /\.(hdfs\.(closeTries|retryInterval|rollTimerPoolSize|threadsPoolSize)|batchTimeout|charset|backoffSleepIncrement|batchDurationMillis|maxBackoffSleep|maxBackoff|numProcessors)$/,
    reason: 'the key has no effect in millrace, so its value is not validated',
  },
  {
    more: 'millrace',
    keys: /\.positionFile$/,
    reason: 'a relative path; Flume fails on a path without a directory',
  },
  {
    more: 'millrace',
    keys: /(\.sinkgroups\.g1\.sinks|^a1\.sinks)$/,
    reason: 'Flume fails for a group without sinks; in millrace its sinks run without a group',
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
    reason: 'Flume compiles the pattern when the source starts, and fails repeatedly',
  },
]
