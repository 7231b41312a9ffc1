// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** AllocateProducerIds (key 67), versions 0, flexible from 0. */
export const AllocateProducerIdsRequest = {
  apiKey: 67,
  name: 'AllocateProducerIdsRequest',
  versions: '0',
  flexible: '0+',
  fields: {
    brokerId: { type: 'int32', versions: '0+' },
    brokerEpoch: { type: 'int64', versions: '0+', default: -1n },
  },
} as const satisfies MessageSchema
export type AllocateProducerIdsRequest = MessageOf<typeof AllocateProducerIdsRequest>

export const AllocateProducerIdsResponse = {
  apiKey: 67,
  name: 'AllocateProducerIdsResponse',
  versions: '0',
  flexible: '0+',
  fields: {
    throttleTimeMs: { type: 'int32', versions: '0+' },
    errorCode: { type: 'int16', versions: '0+' },
    producerIdStart: { type: 'int64', versions: '0+' },
    producerIdLen: { type: 'int32', versions: '0+' },
  },
} as const satisfies MessageSchema
export type AllocateProducerIdsResponse = MessageOf<typeof AllocateProducerIdsResponse>
