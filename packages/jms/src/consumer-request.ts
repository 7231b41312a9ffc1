// SPDX-License-Identifier: Apache-2.0
import {
  type Destination,
  Queue,
  type TemporaryOwner,
  type TemporaryQueue,
  Topic,
} from './destination.ts'
import { IllegalStateException, InvalidDestinationException } from './exceptions.ts'
import { checkValue, flag, nonEmptyText, textOrNull } from './options.ts'

/** What a program asks for when it creates a consumer. */
export interface ConsumerRequest {
  readonly destination: Destination | null
  readonly selector: string | null
  readonly noLocal?: boolean | undefined
  /** Name of the subscription; undefined for a consumer with a subscription to itself. */
  readonly subscription?: string | undefined
  readonly isDurable?: boolean | undefined
  readonly isShared?: boolean | undefined
}

/** The members of a connection that requests depend on. */
export interface RequestContext extends TemporaryOwner {
  readonly domain: 'any' | 'queue' | 'topic'
  readonly hasClientId: boolean
  isDeleted(destination: Destination): boolean
}

/** Throws `IllegalStateException` if the connection is for the other domain only. */
export function checkDomain(
  { domain }: Pick<RequestContext, 'domain'>,
  wanted: 'queue' | 'topic',
  what: string,
): void {
  if (domain !== 'any' && domain !== wanted) {
    throw new IllegalStateException(`${what} is not supported by a ${domain} session`)
  }
}

/** Throws `InvalidDestinationException` for anything but a destination that exists. */
export function checkDestination(
  context: Pick<RequestContext, 'isDeleted'>,
  destination: unknown,
): asserts destination is Destination {
  if (!(destination instanceof Queue || destination instanceof Topic)) {
    throw new InvalidDestinationException(`invalid destination ${String(destination)}`)
  }
  if (context.isDeleted(destination)) {
    throw new InvalidDestinationException(`${destination} was deleted`)
  }
}

/** Throws the exception for a request that no provider can fulfil, without asking it. */
export function checkConsumerRequest(context: RequestContext, request: ConsumerRequest): void {
  const { destination, subscription, isDurable = false, isShared = false } = request
  checkDestination(context, destination)
  checkValue('createConsumer', 'messageSelector', request.selector, textOrNull)
  const { noLocal } = request
  if (noLocal !== undefined) checkValue('createConsumer', 'noLocal', noLocal, flag)
  if (isShared || isDurable) {
    checkDomain(context, 'topic', 'a subscription')
    if (!(destination instanceof Topic)) {
      throw new InvalidDestinationException(`${destination} is not a topic`)
    }
    checkValue('createConsumer', 'subscription name', subscription, nonEmptyText)
    if (isDurable && destination.isTemporary) {
      throw new InvalidDestinationException('a temporary topic cannot have durable subscriptions')
    }
    if (isDurable && !isShared && !context.hasClientId) {
      throw new IllegalStateException('an unshared durable subscription requires a client id')
    }
  }
  if (destination.isTemporary && !(destination as TemporaryQueue).isOwnedBy(context)) {
    throw new InvalidDestinationException(`${destination} belongs to another connection`)
  }
}
