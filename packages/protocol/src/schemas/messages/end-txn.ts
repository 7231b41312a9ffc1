// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** EndTxn (key 26), versions 0-5, flexible from 3. */
export const EndTxnRequest = {
  apiKey: 26,
  name: 'EndTxnRequest',
  versions: '0-5',
  flexible: '3+',
  fields: {
    transactionalId: { type: 'string', versions: '0+' },
    producerId: { type: 'int64', versions: '0+' },
    producerEpoch: { type: 'int16', versions: '0+' },
    committed: { type: 'bool', versions: '0+' },
  },
} as const satisfies MessageSchema
export type EndTxnRequest = MessageOf<typeof EndTxnRequest>

export const EndTxnResponse = {
  apiKey: 26,
  name: 'EndTxnResponse',
  versions: '0-5',
  flexible: '3+',
  fields: {
    throttleTimeMs: { type: 'int32', versions: '0+' },
    errorCode: { type: 'int16', versions: '0+' },
    producerId: { type: 'int64', versions: '5+', default: -1n, ignorable: true },
    producerEpoch: { type: 'int16', versions: '5+', default: -1, ignorable: true },
  },
} as const satisfies MessageSchema
export type EndTxnResponse = MessageOf<typeof EndTxnResponse>
