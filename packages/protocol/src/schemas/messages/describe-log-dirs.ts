// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/**
 * Describes log directories and the logs in them (KIP-113). API key 35, versions 1 to 5, flexible
 * from 2.
 */
export const DescribeLogDirsRequest = {
  apiKey: 35,
  name: 'DescribeLogDirsRequest',
  versions: '1-5',
  flexible: '2+',
  fields: {
    /** One entry per topic. */
    topics: {
      type: '[]',
      versions: '0+',
      nullable: '0+',
      fields: {
        /** Name of the topic. */
        topic: { type: 'string', versions: '0+' },
        /** Partitions of the topic. */
        partitions: { type: '[]int32', versions: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type DescribeLogDirsRequest = MessageOf<typeof DescribeLogDirsRequest>

/**
 * Response of DescribeLogDirs, versions 1 to 5, flexible from 2.
 * - Version 1: sent before throttling (KIP-219).
 * - Version 3: top-level error (KIP-784).
 * - Version 4: size and free space of the volume (KIP-827).
 * - Version 5: whether the directory is cordoned (KIP-1066).
 */
export const DescribeLogDirsResponse = {
  apiKey: 35,
  name: 'DescribeLogDirsResponse',
  versions: '1-5',
  flexible: '2+',
  fields: {
    /** Time for which the client is throttled by a quota; 0 for none. */
    throttleTimeMs: { type: 'int32', versions: '0+' },
    /** Kafka's error code, 0 for none. */
    errorCode: { type: 'int16', versions: '3+', ignorable: true },
    /** Results, in the order of the request. */
    results: {
      type: '[]',
      versions: '0+',
      fields: {
        /** Kafka's error code, 0 for none. */
        errorCode: { type: 'int16', versions: '0+' },
        /** Absolute path of the log directory. */
        logDir: { type: 'string', versions: '0+' },
        /** One entry per topic. */
        topics: {
          type: '[]',
          versions: '0+',
          fields: {
            /** Name of the topic. */
            name: { type: 'string', versions: '0+' },
            /** Partitions of the topic. */
            partitions: {
              type: '[]',
              versions: '0+',
              fields: {
                /** Index of the partition. */
                partitionIndex: { type: 'int32', versions: '0+' },
                /** Size of the log, bytes. */
                partitionSize: { type: 'int64', versions: '0+' },
                /** Lag of this log, records. */
                offsetLag: { type: 'int64', versions: '0+' },
                /**
                 * Whether this log will replace the current one after it was moved between
                 * directories.
                 */
                isFutureKey: { type: 'bool', versions: '0+' },
              },
            },
          },
        },
        /** Size of the volume, bytes; -1 if unknown. */
        totalBytes: { type: 'int64', versions: '4+', default: -1n, ignorable: true },
        /** Free space of the volume, bytes; -1 if unknown. */
        usableBytes: { type: 'int64', versions: '4+', default: -1n, ignorable: true },
        /** Whether the directory gets no new partitions. */
        isCordoned: { type: 'bool', versions: '5+', default: false, ignorable: true },
      },
    },
  },
} as const satisfies MessageSchema
export type DescribeLogDirsResponse = MessageOf<typeof DescribeLogDirsResponse>
