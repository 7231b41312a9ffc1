// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** DescribeLogDirs (key 35), versions 1-5, flexible from 2. */
export const DescribeLogDirsRequest = {
  apiKey: 35,
  name: 'DescribeLogDirsRequest',
  versions: '1-5',
  flexible: '2+',
  fields: {
    topics: {
      type: '[]',
      versions: '0+',
      nullable: '0+',
      fields: {
        topic: { type: 'string', versions: '0+' },
        partitions: { type: '[]int32', versions: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type DescribeLogDirsRequest = MessageOf<typeof DescribeLogDirsRequest>

export const DescribeLogDirsResponse = {
  apiKey: 35,
  name: 'DescribeLogDirsResponse',
  versions: '1-5',
  flexible: '2+',
  fields: {
    throttleTimeMs: { type: 'int32', versions: '0+' },
    errorCode: { type: 'int16', versions: '3+', ignorable: true },
    results: {
      type: '[]',
      versions: '0+',
      fields: {
        errorCode: { type: 'int16', versions: '0+' },
        logDir: { type: 'string', versions: '0+' },
        topics: {
          type: '[]',
          versions: '0+',
          fields: {
            name: { type: 'string', versions: '0+' },
            partitions: {
              type: '[]',
              versions: '0+',
              fields: {
                partitionIndex: { type: 'int32', versions: '0+' },
                partitionSize: { type: 'int64', versions: '0+' },
                offsetLag: { type: 'int64', versions: '0+' },
                isFutureKey: { type: 'bool', versions: '0+' },
              },
            },
          },
        },
        totalBytes: { type: 'int64', versions: '4+', default: -1n, ignorable: true },
        usableBytes: { type: 'int64', versions: '4+', default: -1n, ignorable: true },
        isCordoned: { type: 'bool', versions: '5+', default: false, ignorable: true },
      },
    },
  },
} as const satisfies MessageSchema
export type DescribeLogDirsResponse = MessageOf<typeof DescribeLogDirsResponse>
