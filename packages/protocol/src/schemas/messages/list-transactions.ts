// SPDX-License-Identifier: Apache-2.0
import type { MessageOf, MessageSchema } from '../schema.ts'

/** ListTransactions (key 66), versions 0-2, flexible from 0. */
export const ListTransactionsRequest = {
  apiKey: 66,
  name: 'ListTransactionsRequest',
  versions: '0-2',
  flexible: '0+',
  fields: {
    stateFilters: { type: '[]string', versions: '0+' },
    producerIdFilters: { type: '[]int64', versions: '0+' },
    durationFilter: { type: 'int64', versions: '1+', default: -1n },
    transactionalIdPattern: { type: 'string', versions: '2+', nullable: '2+', default: null },
  },
} as const satisfies MessageSchema
export type ListTransactionsRequest = MessageOf<typeof ListTransactionsRequest>

export const ListTransactionsResponse = {
  apiKey: 66,
  name: 'ListTransactionsResponse',
  versions: '0-2',
  flexible: '0+',
  fields: {
    throttleTimeMs: { type: 'int32', versions: '0+' },
    errorCode: { type: 'int16', versions: '0+' },
    unknownStateFilters: { type: '[]string', versions: '0+' },
    transactionStates: {
      type: '[]',
      versions: '0+',
      fields: {
        transactionalId: { type: 'string', versions: '0+' },
        producerId: { type: 'int64', versions: '0+' },
        transactionState: { type: 'string', versions: '0+' },
      },
    },
  },
} as const satisfies MessageSchema
export type ListTransactionsResponse = MessageOf<typeof ListTransactionsResponse>
