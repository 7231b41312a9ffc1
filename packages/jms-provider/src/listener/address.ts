// SPDX-License-Identifier: Apache-2.0
import { AmqpError, Condition, JmsCapability, JmsDestinationType } from '@millrace/amqp'
import { refuseWildcard } from '../destination/destination-name.ts'
import type { DestinationKind } from '../state/state-record.ts'

/** A parsed AMQP address. */
export interface Address {
  readonly name: string
  /** Undefined if neither a capability nor a prefix specifies the kind. */
  readonly kind: DestinationKind | undefined
  /** Options after a question mark, for example `?consumer.exclusive=true`. */
  readonly options: ReadonlyMap<string, string>
}

const prefixes: readonly (readonly [string, DestinationKind])[] = [
  ['queue://', 'queue'],
  ['topic://', 'topic'],
  ['temp-queue://', 'queue'],
  ['temp-topic://', 'topic'],
]

/**
 * Parses an address. Throws `AmqpError` for an empty name and `EngineError.invalidName` for one
 * with a wildcard.
 */
export function parseAddress(address: string, capabilities: readonly string[] = []): Address {
  let text = address
  let kind = kindOfCapabilities(capabilities)
  for (const [prefix, prefixKind] of prefixes) {
    if (!text.startsWith(prefix)) continue
    text = text.slice(prefix.length)
    kind = prefixKind
    break
  }
  const at = text.indexOf('?')
  const query = at < 0 ? '' : text.slice(at + 1)
  const name = at < 0 ? text : text.slice(0, at)
  if (name === '') throw new AmqpError(Condition.notFound, 'the destination name is empty')
  refuseWildcard(name)
  return { name, kind, options: new Map(new URLSearchParams(query)) }
}

export function kindOfCapabilities(capabilities: readonly string[]): DestinationKind | undefined {
  for (const capability of capabilities) {
    if (capability === JmsCapability.queue || capability === JmsCapability.temporaryQueue) {
      return 'queue'
    }
    if (capability === JmsCapability.topic || capability === JmsCapability.temporaryTopic) {
      return 'topic'
    }
  }
  return undefined
}

/** Destination kind for a type byte of the JMS mapping (`x-opt-jms-dest`). */
export function kindOfType(type: number | undefined): DestinationKind | undefined {
  switch (type) {
    case JmsDestinationType.queue:
    case JmsDestinationType.temporaryQueue:
      return 'queue'
    case JmsDestinationType.topic:
    case JmsDestinationType.temporaryTopic:
      return 'topic'
    default:
      return undefined
  }
}
