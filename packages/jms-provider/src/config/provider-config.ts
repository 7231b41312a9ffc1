// SPDX-License-Identifier: Apache-2.0
import { MillraceError, nearestSpelling } from '@millrace/base'
import { hasWildcard } from '../destination/destination-name.ts'
import type { DestinationKind } from '../state/state-record.ts'
import { type DestinationPolicy, defaultPolicy } from './destination-policy.ts'

/** A provider setting that is unknown or has an invalid value. */
export class ProviderConfigError extends MillraceError {
  override readonly name = 'ProviderConfigError'
  /** Creates the error; `message` names the setting, its value and the allowed values. */
  constructor(message: string) {
    super('MILLRACE_INVALID_CONFIG', message)
  }
}

type Kind = 'text' | 'number' | 'boolean' | 'queue'

interface Setting {
  readonly kind: Kind
  readonly default: string
  readonly about: string
  readonly oneOf?: readonly string[]
}

/** Provider-wide settings, without the prefix `amqp.`. */
export const providerSettings = {
  listener: {
    kind: 'text',
    default: '127.0.0.1:5672',
    about:
      'Addresses to listen on, separated by commas: `host:port`, or `amqps://`, `ws://`, `wss://` in front. `none` turns JMS off.',
  },
  'advertised.listener': {
    kind: 'text',
    default: '',
    about:
      'Address at which other providers of the cluster reach this one. Default: the first listener.',
  },
  users: {
    kind: 'text',
    default: '',
    about: 'Users and passwords, `name:password` separated by commas.',
  },
  'users.file': {
    kind: 'text',
    default: '',
    about: 'Properties file with a user and password a line, `name=password`, read at start.',
  },
  anonymous: {
    kind: 'text',
    default: 'loopback',
    oneOf: ['loopback', 'always', 'never'],
    about:
      'Who may connect without a user. With users configured, or with those of the broker, `loopback` means `never`.',
  },
  'tls.certificate.file': {
    kind: 'text',
    default: '',
    about: 'Certificate chain in PEM, for `amqps` and `wss`.',
  },
  'tls.key.file': { kind: 'text', default: '', about: 'Its private key in PEM.' },
  'tls.ca.file': {
    kind: 'text',
    default: '',
    about: 'Authorities for certificates of clients, in PEM.',
  },
  'tls.client.auth': {
    kind: 'text',
    default: 'none',
    oneOf: ['none', 'requested', 'required'],
    about: 'Whether clients must show a certificate. Its common name is the user of SASL EXTERNAL.',
  },
  'idle.timeout.ms': {
    kind: 'number',
    default: '60000',
    about: 'A client that is silent for so long is let go; 0 never.',
  },
  'max.message.bytes': {
    kind: 'number',
    default: '100000000',
    about: 'Largest message that is taken.',
  },
  'transaction.max.bytes': {
    kind: 'number',
    default: '1073741824',
    about:
      'Bytes of the messages that one transaction may send; a message beyond is refused with `amqp:resource-limit-exceeded`, and the transaction rolled back.',
  },
  'transactions.max.bytes': {
    kind: 'number',
    default: '4294967296',
    about: 'The same for the transactions of all clients together.',
  },
  'transactions.memory.bytes': {
    kind: 'number',
    default: '67108864',
    about:
      'Bytes of them that are kept in memory. What is more, and of one transaction more than a megabyte, waits in temporary files.',
  },
  'transactions.directory': {
    kind: 'text',
    default: '',
    about: "Directory of these files. Default: the system's for temporary files.",
  },
  'pending.max.bytes': {
    kind: 'number',
    default: '67108864',
    about:
      'Bytes of messages that arrived and are not in a log yet, over all connections. Beyond it senders are not read.',
  },
  'incomplete.max.bytes': {
    kind: 'number',
    default: '268435456',
    about:
      'Bytes of messages that have not arrived whole, over all connections. Beyond it the connection that is stuck, or the slowest, is closed.',
  },
  'unread.max.bytes': {
    kind: 'number',
    default: '134217728',
    about:
      'Bytes that clients have not read, over all connections. Beyond it those that read nothing for five seconds are closed.',
  },
  'temporary.max.bytes': {
    kind: 'number',
    default: '268435456',
    about: 'Bytes of messages in all temporary destinations, which are in memory.',
  },
  'max.connections': {
    kind: 'number',
    default: '20000',
    about: 'Connections at a time; others are refused.',
  },
  'connection.max.links': {
    kind: 'number',
    default: '8192',
    about: 'Producers, consumers and browsers of a connection.',
  },
  'connection.max.unsettled': {
    kind: 'number',
    default: '500000',
    about:
      'Messages that a connection may have received without an outcome; it gets no more before it settles some.',
  },
  'producer.credit': {
    kind: 'number',
    default: '500',
    about: 'Messages a producer may send ahead.',
  },
  'default.destination': {
    kind: 'text',
    default: 'queue',
    oneOf: ['queue', 'topic'],
    about: 'What an address of a client is that does not say, and is not known.',
  },
  'state.topic': {
    kind: 'text',
    default: '__jms_state',
    about: 'Kafka topic that keeps what was consumed.',
  },
  'group.id': {
    kind: 'text',
    default: '__jms_provider',
    about: 'Consumer group of the providers of a cluster; its member owns the destinations.',
  },
  'provider.id': {
    kind: 'text',
    default: '',
    about:
      'Name of this provider among those of a cluster, to have its place back at once when it starts again after a crash. Default: none; `embedded` beside an embedded broker.',
  },
  'replication.factor': {
    kind: 'number',
    default: '-1',
    about: 'Of topics that are made; -1 for three, or as many as there are brokers.',
  },
} as const satisfies Readonly<Record<string, Setting>>

/**
 * Destination settings: `amqp.<setting>` for all destinations,
 * `amqp.destination.<pattern>.<setting>` for those that match.
 */
export const destinationSettings = {
  'auto.create': {
    kind: 'boolean',
    default: 'true',
    about: 'Whether a destination is made on first use.',
  },
  'max.delivery.attempts': {
    kind: 'number',
    default: '10',
    about: 'Deliveries before a message is a dead letter; 0 for any number.',
  },
  'dead.letter.queue': {
    kind: 'queue',
    default: 'DLQ',
    about: 'Queue for dead letters; `none` drops them.',
  },
  'expiry.queue': {
    kind: 'queue',
    default: 'ExpiryQueue',
    about: 'Queue for expired messages; `none` drops them.',
  },
  'redelivery.delay.ms': {
    kind: 'number',
    default: '0',
    about: 'Wait before a message that failed is delivered again.',
  },
  'redelivery.multiplier': {
    kind: 'number',
    default: '1',
    about: 'By which the wait grows with each failure.',
  },
  'redelivery.max.delay.ms': { kind: 'number', default: '300000', about: 'Longest wait.' },
  'duplicate.window.ms': {
    kind: 'number',
    default: '600000',
    about: 'Time within which a message with the same duplicate id is dropped; 0 for none.',
  },
  'count.prefetched.on.loss': {
    kind: 'text',
    default: 'always',
    oneOf: ['always', 'unless-transacted', 'never'],
    about:
      'Whether messages without an outcome count as delivered when the connection of their consumer is lost. `unless-transacted`: not in sessions with transactions, where clients like Qpid JMS acknowledge each message that a program receives.',
  },
  'delivery.count.persistence': {
    kind: 'text',
    default: 'after',
    oneOf: ['after', 'before', 'none'],
    about:
      'When deliveries are written to the state topic, so that `JMSRedelivered` is set after a crash of the provider: within milliseconds `after` the delivery, `before` it (which delays it by a write), or not at all.',
  },
  'max.messages': {
    kind: 'number',
    default: '0',
    about: 'Waiting messages at which producers are held; 0 for no limit.',
  },
  exclusive: {
    kind: 'boolean',
    default: 'false',
    about: 'Whether only the first consumer of a queue gets messages.',
  },
  partitions: {
    kind: 'number',
    default: '1',
    about: 'Partitions of its Kafka topic when it is made; more than one gives up order.',
  },
  trim: {
    kind: 'text',
    default: 'created',
    oneOf: ['created', 'always', 'never'],
    about:
      'Whether consumed messages are deleted from the Kafka topic: `created` for topics that the provider created, `always`, `never`.',
  },
  'consumed.retention.ms': {
    kind: 'number',
    default: '300000',
    about:
      'How long messages stay in the Kafka topic, for Kafka programs, after all subscriptions have consumed them.',
  },
} as const satisfies Readonly<Record<string, Setting>>

type ProviderKey = keyof typeof providerSettings
type DestinationKey = keyof typeof destinationSettings

interface PatternRule {
  readonly pattern: string
  readonly expression: RegExp
  readonly values: Map<DestinationKey, string>
}

/** Address to listen on. */
export interface ListenerAddress {
  readonly scheme: 'amqp' | 'amqps' | 'ws' | 'wss'
  readonly host: string
  readonly port: number
}

/**
 * Validated configuration of a provider: `amqp.…` keys with text values. Throws
 * `ProviderConfigError`.
 */
export class ProviderConfig {
  readonly #values = new Map<ProviderKey, string>()
  readonly #common = new Map<DestinationKey, string>()
  readonly #rules: PatternRule[] = []

  /** Parses settings. Throws `ProviderConfigError` for an unknown setting or an invalid value. */
  constructor(settings: ReadonlyMap<string, string>) {
    for (const [key, value] of settings) {
      if (key.startsWith('amqp.')) this.#set(key, value.trim())
    }
    // Patterns with more words are more specific; among equally specific ones the last wins.
    this.#rules.sort((a, b) => specificity(a.pattern) - specificity(b.pattern))
  }

  #set(key: string, value: string): void {
    const name = key.slice('amqp.'.length)
    const pattern = /^destination\.(.+)$/.exec(name)?.[1]
    if (pattern !== undefined) {
      this.#setForPattern(key, pattern, value)
      return
    }
    if (name in providerSettings) {
      check(key, value, providerSettings[name as ProviderKey])
      this.#values.set(name as ProviderKey, value)
    } else if (name in destinationSettings) {
      check(key, value, destinationSettings[name as DestinationKey])
      this.#common.set(name as DestinationKey, value)
    } else {
      throw unknownKey(key, [...Object.keys(providerSettings), ...Object.keys(destinationSettings)])
    }
  }

  #setForPattern(key: string, rest: string, value: string): void {
    const setting = (Object.keys(destinationSettings) as DestinationKey[]).find((each) =>
      rest.endsWith(`.${each}`),
    )
    if (setting === undefined) {
      const name = Object.keys(destinationSettings).join(', ')
      throw new ProviderConfigError(
        `unknown configuration ${key}: expected amqp.destination.<pattern>.<setting> with one of ${name}`,
      )
    }
    check(key, value, destinationSettings[setting])
    const pattern = rest.slice(0, -setting.length - 1)
    let rule = this.#rules.find((each) => each.pattern === pattern)
    if (rule === undefined) {
      rule = { pattern, expression: patternToRegExp(pattern), values: new Map() }
      this.#rules.push(rule)
    }
    rule.values.set(setting, value)
  }

  /** Value of a setting. */
  text(key: ProviderKey): string {
    return this.#values.get(key) ?? providerSettings[key].default
  }

  /** Value of a numeric setting. */
  number(key: ProviderKey): number {
    return Number(this.text(key))
  }

  /** Addresses to listen on; empty if JMS is disabled. */
  get listeners(): ListenerAddress[] {
    const text = this.text('listener')
    if (text === 'none' || text === '') return []
    return text.split(',').map((each) => parseListener(each.trim()))
  }

  /** Returns the settings of a destination. */
  policyOf(_kind: DestinationKind, name: string): DestinationPolicy {
    const value = (key: DestinationKey): string => {
      let found = this.#common.get(key) ?? destinationSettings[key].default
      for (const rule of this.#rules) {
        if (rule.expression.test(name)) found = rule.values.get(key) ?? found
      }
      return found
    }
    const queue = (key: DestinationKey): string | undefined => {
      const text = value(key)
      return text === 'none' || text === '' ? undefined : text
    }
    return {
      ...defaultPolicy,
      autoCreate: value('auto.create') === 'true',
      maxDeliveryAttempts: Number(value('max.delivery.attempts')),
      deadLetterQueue: queue('dead.letter.queue'),
      expiryQueue: queue('expiry.queue'),
      redeliveryDelayMs: Number(value('redelivery.delay.ms')),
      redeliveryMultiplier: Number(value('redelivery.multiplier')),
      redeliveryMaxDelayMs: Number(value('redelivery.max.delay.ms')),
      duplicateWindowMs: Number(value('duplicate.window.ms')),
      countPrefetchedOnLoss: value(
        'count.prefetched.on.loss',
      ) as DestinationPolicy['countPrefetchedOnLoss'],
      deliveryCountPersistence: value(
        'delivery.count.persistence',
      ) as DestinationPolicy['deliveryCountPersistence'],
      maxMessages: Number(value('max.messages')),
      exclusive: value('exclusive') === 'true',
      partitions: Number(value('partitions')),
      trim: value('trim') as DestinationPolicy['trim'],
      consumedRetentionMs: Number(value('consumed.retention.ms')),
    }
  }
}

function check(key: string, value: string, setting: Setting): void {
  const refuse = (allowed: string): never => {
    throw new ProviderConfigError(
      `invalid value ${JSON.stringify(value)} for ${key}: expected ${allowed}`,
    )
  }
  if (setting.oneOf !== undefined && !setting.oneOf.includes(value))
    refuse(setting.oneOf.join(', '))
  if (setting.kind === 'queue' && hasWildcard(value)) refuse('the name of one queue')
  if (setting.kind === 'number' && !/^-?\d+(\.\d+)?$/.test(value)) refuse('a number')
  if (setting.kind === 'boolean' && value !== 'true' && value !== 'false') refuse('true or false')
}

function unknownKey(key: string, known: readonly string[]): ProviderConfigError {
  const nearest = nearestSpelling(
    key,
    known.map((each) => `amqp.${each}`),
  )
  const hint = nearest === undefined ? '' : `; did you mean ${nearest}?`
  return new ProviderConfigError(`unknown configuration ${key}${hint}`)
}

/** `*` matches one word between dots, `#` any number of words, as in Artemis. */
function patternToRegExp(pattern: string): RegExp {
  const source = pattern
    .split('.')
    .map((word) => {
      if (word === '#') return '.*'
      return word
        .split('*')
        .map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&'))
        .join('[^.]*')
    })
    .join('\\.')
    // `orders.#` also matches `orders`.
    .replace(/\\\.\.\*$/, '(?:\\..*)?')
  return new RegExp(`^${source}$`, 's')
}

function specificity(pattern: string): number {
  const words = pattern.split('.')
  return (
    words.length * 4 -
    words.filter((word) => word.includes('*')).length -
    (words.includes('#') ? 2 : 0)
  )
}

export function parseListener(text: string): ListenerAddress {
  const match = /^(?:(amqps?|wss?):\/\/)?(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(text)
  const port = Number(match?.[4])
  if (match === null || port > 65_535) {
    throw new ProviderConfigError(
      `invalid value ${JSON.stringify(text)} for amqp.listener: expected host:port, amqps://host:port, ws://host:port, wss://host:port`,
    )
  }
  const scheme = (match[1] ?? 'amqp') as ListenerAddress['scheme']
  return { scheme, host: match[2] ?? match[3] ?? '', port }
}
