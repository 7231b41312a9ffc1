// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** AddOffsetsToTxn (key 25), versions 0-4, flexible from 3. */
export const AddOffsetsToTxnRequest = {
  apiKey: 25,
  name: 'AddOffsetsToTxnRequest',
  versions: '0-4',
  flexible: '3+',
  fields: {
    transactionalId: { type: 'string', versions: '0+' },
    producerId: { type: 'int64', versions: '0+' },
    producerEpoch: { type: 'int16', versions: '0+' },
    groupId: { type: 'string', versions: '0+' },
  },
} as const satisfies MessageSchema
export type AddOffsetsToTxnRequest = MessageOf<typeof AddOffsetsToTxnRequest>

export const AddOffsetsToTxnResponse = {
  apiKey: 25,
  name: 'AddOffsetsToTxnResponse',
  versions: '0-4',
  flexible: '3+',
  fields: {
    throttleTimeMs: { type: 'int32', versions: '0+' },
    errorCode: { type: 'int16', versions: '0+' },
  },
} as const satisfies MessageSchema
export type AddOffsetsToTxnResponse = MessageOf<typeof AddOffsetsToTxnResponse>
