// SPDX-License-Identifier: Apache-2.0
import type { ConnectionContext } from './listener/provider-connection.ts'

/** What clients hold of a provider now: all of it is 0 when none is connected. */
export interface ProviderUsage {
  /** Connections of clients. */
  readonly connections: number
  /** Client ids that no second connection may have. */
  readonly clientIds: number
  /** Links that consume or browse. */
  readonly consumers: number
  /** Consumers of shared and of durable subscriptions. */
  readonly subscribers: number
  /** Transactions that were declared and not discharged. */
  readonly transactions: number
  /** Bytes of the messages in them, in memory and in temporary files. */
  readonly transactionBytes: number
  /** Temporary destinations. */
  readonly temporaryDestinations: number
  /** Messages that were sent to consumers and have no outcome yet. */
  readonly messagesInDelivery: number
  /** Bytes of messages that arrived and are not in a log yet. */
  readonly bytesUnderWay: number
  /** Bytes of messages that have not arrived whole, and of what attached links. */
  readonly incompleteBytes: number
  /** Bytes that clients have not read. */
  readonly unreadBytes: number
}

export const noUsage: ProviderUsage = {
  connections: 0,
  clientIds: 0,
  consumers: 0,
  subscribers: 0,
  transactions: 0,
  transactionBytes: 0,
  temporaryDestinations: 0,
  messagesInDelivery: 0,
  bytesUnderWay: 0,
  incompleteBytes: 0,
  unreadBytes: 0,
}

/** Counts what the clients of a context hold. */
export function usageOf(context: ConnectionContext): ProviderUsage {
  let transactions = 0
  for (const connection of context.connections) transactions += connection.transactions.count
  let consumers = 0
  let messagesInDelivery = 0
  let temporaryDestinations = 0
  for (const destination of context.engine.destinations) {
    if (destination.isTemporary) temporaryDestinations++
    for (const subscription of destination.subscriptions) {
      consumers += subscription.consumerCount + subscription.browserCount
      messagesInDelivery += subscription.inFlight
    }
  }
  return {
    connections: context.connections.size,
    clientIds: context.soleContainers.size,
    consumers,
    subscribers: context.subscriptions.userCount,
    transactions,
    transactionBytes: context.transactionStore.bytes,
    temporaryDestinations,
    messagesInDelivery,
    bytesUnderWay: context.underWay.bytes,
    incompleteBytes: context.memory.incomplete,
    unreadBytes: context.memory.unread,
  }
}
