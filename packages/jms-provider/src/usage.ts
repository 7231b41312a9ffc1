// SPDX-License-Identifier: Apache-2.0
import type { ConnectionContext } from './listener/provider-connection.ts'

/** Resources that clients of a provider hold now; all 0 if none is connected. */
export interface ProviderUsage {
  /** Client connections. */
  readonly connections: number
  /** Client ids that are reserved for one connection. */
  readonly clientIds: number
  /** Links of consumers and browsers. */
  readonly consumers: number
  /** Consumers of shared and of durable subscriptions. */
  readonly subscribers: number
  /** Transactions that are declared and not discharged. */
  readonly transactions: number
  /** Size of the messages in them, in memory and in temporary files, in bytes. */
  readonly transactionBytes: number
  /** Temporary destinations. */
  readonly temporaryDestinations: number
  /** Messages sent to consumers that are not settled yet. */
  readonly messagesInDelivery: number
  /** Size of received messages that are not yet written to a log, in bytes. */
  readonly pendingBytes: number
  /** Bytes of incomplete messages and of the attach frames of open links. */
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
  pendingBytes: 0,
  incompleteBytes: 0,
  unreadBytes: 0,
}

/** Counts the resources that the clients of a context hold. */
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
    clientIds: context.exclusiveContainerIds.size,
    consumers,
    subscribers: context.subscriptions.userCount,
    transactions,
    transactionBytes: context.transactionStore.bytes,
    temporaryDestinations,
    messagesInDelivery,
    pendingBytes: context.pending.bytes,
    incompleteBytes: context.memory.incomplete,
    unreadBytes: context.memory.unread,
  }
}
