// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** AddPartitionsToTxn (key 24), versions 0-5, flexible from 3. */
export const AddPartitionsToTxnRequest = {
  apiKey: 24,
  name: 'AddPartitionsToTxnRequest',
  versions: '0-5',
  flexible: '3+',
  fields: {
    transactions: {
      type: '[]',
      versions: '4+',
      fields: {
        transactionalId: { type: 'string', versions: '4+' },
        producerId: { type: 'int64', versions: '4+' },
        producerEpoch: { type: 'int16', versions: '4+' },
        verifyOnly: { type: 'bool', versions: '4+', default: false },
        topics: {
          type: '[]',
          versions: '4+',
          fields: {
            name: { type: 'string', versions: '0+' },
            partitions: { type: '[]int32', versions: '0+' },
          },
        },
      },
    },
    v3AndBelowTransactionalId: { type: 'string', versions: '0-3' },
    v3AndBelowProducerId: { type: 'int64', versions: '0-3' },
    v3AndBelowProducerEpoch: { type: 'int16', versions: '0-3' },
    v3AndBelowTopics: {
      type: '[]',
      versions: '0-3',
      fields: {
        name: { type: 'string', versions: '0+' },
        partitions: { type: '[]int32', versions: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type AddPartitionsToTxnRequest = MessageOf<typeof AddPartitionsToTxnRequest>

export const AddPartitionsToTxnResponse = {
  apiKey: 24,
  name: 'AddPartitionsToTxnResponse',
  versions: '0-5',
  flexible: '3+',
  fields: {
    throttleTimeMs: { type: 'int32', versions: '0+' },
    errorCode: { type: 'int16', versions: '4+', ignorable: true },
    resultsByTransaction: {
      type: '[]',
      versions: '4+',
      fields: {
        transactionalId: { type: 'string', versions: '4+' },
        topicResults: {
          type: '[]',
          versions: '4+',
          fields: {
            name: { type: 'string', versions: '0+' },
            resultsByPartition: {
              type: '[]',
              versions: '0+',
              fields: {
                partitionIndex: { type: 'int32', versions: '0+' },
                partitionErrorCode: { type: 'int16', versions: '0+' },
              },
            },
          },
        },
      },
    },
    resultsByTopicV3AndBelow: {
      type: '[]',
      versions: '0-3',
      fields: {
        name: { type: 'string', versions: '0+' },
        resultsByPartition: {
          type: '[]',
          versions: '0+',
          fields: {
            partitionIndex: { type: 'int32', versions: '0+' },
            partitionErrorCode: { type: 'int16', versions: '0+' },
          },
        },
      },
    },
  },
} as const satisfies MessageSchema
export type AddPartitionsToTxnResponse = MessageOf<typeof AddPartitionsToTxnResponse>
