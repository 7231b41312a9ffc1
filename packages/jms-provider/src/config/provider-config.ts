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
      'Comma-separated addresses to listen on: `host:port`, or a URL with the scheme `amqps`, `ws` or `wss`. `none` disables JMS.',
  },
  'advertised.listener': {
    kind: 'text',
    default: '',
    about:
      'Address at which the other providers of the cluster reach this one. Default: the first listener.',
  },
  users: {
    kind: 'text',
    default: '',
    about: 'Comma-separated users with their passwords: `name:password`.',
  },
  'users.file': {
    kind: 'text',
    default: '',
    about: 'Properties file of users, one `name=password` per line. Read at startup.',
  },
  anonymous: {
    kind: 'text',
    default: 'loopback',
    oneOf: ['loopback', 'always', 'never'],
    about:
      'Clients that may connect without authentication. `loopback` means `never` if users are configured or the users of the cluster apply.',
  },
  'tls.certificate.file': {
    kind: 'text',
    default: '',
    about:
      'Certificate chain for `amqps` and `wss`: PEM, or a PKCS12 file with its private key. Changed files are used for new connections.',
  },
  'tls.key.file': {
    kind: 'text',
    default: '',
    about:
      'Private key of the certificate, in PEM format. Default: the certificate file has it, too.',
  },
  'tls.key.password': {
    kind: 'text',
    default: '',
    about: 'Password of the PKCS12 file or of the encrypted private key.',
  },
  'tls.ca.file': {
    kind: 'text',
    default: '',
    about: 'Certificate authorities for client certificates: PEM or PKCS12.',
  },
  'tls.ca.password': {
    kind: 'text',
    default: '',
    about: 'Password of the PKCS12 file with the certificate authorities.',
  },
  'tls.client.auth': {
    kind: 'text',
    default: 'none',
    oneOf: ['none', 'requested', 'required'],
    about: 'Whether clients must present a certificate. Its user logs in with SASL EXTERNAL.',
  },
  'tls.principal.mapping.rules': {
    kind: 'text',
    default: '',
    about:
      "Rules that map the subject of a client certificate to a user, as in Kafka's `ssl.principal.mapping.rules`. Default: the rules of the broker; over a cluster `DEFAULT`, the whole subject; with `amqp.users`, the common name.",
  },
  'token.subject.claim': {
    kind: 'text',
    default: 'sub',
    about:
      "Claim of an OAuth token that contains the user, as in Kafka's `sasl.oauthbearer.sub.claim.name`. Used over a cluster.",
  },
  'websocket.allowed.origins': {
    kind: 'text',
    default: '',
    about:
      "Comma-separated origins of web pages that may connect to `ws` and `wss` listeners, such as `https://app.example.com`; `*` for all. Default: pages of the listener's host. Clients that send no origin may always connect.",
  },
  'idle.timeout.ms': {
    kind: 'number',
    default: '60000',
    about:
      'A connection is closed after this time without a frame from the client; 0 disables the timeout.',
  },
  'max.message.bytes': {
    kind: 'number',
    default: '100000000',
    about: 'Maximum size of a message.',
  },
  'transaction.max.bytes': {
    kind: 'number',
    default: '1073741824',
    about:
      'Maximum size of the messages sent in one transaction. A message beyond it is rejected with `amqp:resource-limit-exceeded`, and the transaction is rolled back.',
  },
  'transactions.max.bytes': {
    kind: 'number',
    default: '4294967296',
    about: 'Maximum size of the messages sent in all open transactions.',
  },
  'transactions.memory.bytes': {
    kind: 'number',
    default: '67108864',
    about:
      'Memory for the messages of open transactions. Messages beyond it, and those of a transaction beyond 1 MiB, are stored in temporary files.',
  },
  'transactions.directory': {
    kind: 'text',
    default: '',
    about:
      "Directory of the transactions' temporary files. Default: the system's temporary directory.",
  },
  'pending.max.bytes': {
    kind: 'number',
    default: '67108864',
    about:
      'Maximum size of received messages that are not yet written to a log, over all connections. Beyond it, the provider stops reading from senders.',
  },
  'incomplete.max.bytes': {
    kind: 'number',
    default: '268435456',
    about:
      'Maximum size of incompletely received messages, over all connections. Beyond it, a stalled connection is closed, or else the slowest one.',
  },
  'unread.max.bytes': {
    kind: 'number',
    default: '134217728',
    about:
      'Maximum number of bytes that clients have not read, over all connections. Beyond it, connections that have read nothing for 5 seconds are closed.',
  },
  'temporary.max.bytes': {
    kind: 'number',
    default: '268435456',
    about: 'Memory for the messages of all temporary destinations.',
  },
  'max.connections': {
    kind: 'number',
    default: '20000',
    about: 'Maximum number of open connections. Further ones are refused.',
  },
  'connection.max.links': {
    kind: 'number',
    default: '8192',
    about: 'Maximum number of producers, consumers and browsers of a connection.',
  },
  'connection.max.unsettled': {
    kind: 'number',
    default: '500000',
    about:
      'Maximum number of unsettled messages of a connection. Delivery resumes when it settles some.',
  },
  'producer.credit': {
    kind: 'number',
    default: '500',
    about: 'Credit of a producer: messages that it may send before the first is accepted.',
  },
  'default.destination': {
    kind: 'text',
    default: 'queue',
    oneOf: ['queue', 'topic'],
    about: 'Kind of an unknown destination whose address does not specify the kind.',
  },
  'state.topic': {
    kind: 'text',
    default: '__jms_state',
    about: 'Kafka topic with the state of destinations and subscriptions.',
  },
  'group.id': {
    kind: 'text',
    default: '__jms_provider',
    about:
      'Consumer group of the providers of a cluster. The member with the assignment owns the destinations.',
  },
  'provider.id': {
    kind: 'text',
    default: '',
    about:
      'Static member id of this provider in its consumer group. With one, a provider that restarts after a crash rejoins immediately. Default: none; `embedded` with an embedded broker.',
  },
  'replication.factor': {
    kind: 'number',
    default: '-1',
    about: 'Replication factor of created topics. -1: 3, or the number of brokers if less.',
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
    about: 'Whether a destination is created on first use.',
  },
  'max.delivery.attempts': {
    kind: 'number',
    default: '10',
    about: 'Delivery attempts before a message is moved to the dead letter queue; 0 for no limit.',
  },
  'dead.letter.queue': {
    kind: 'queue',
    default: 'DLQ',
    about: 'Dead letter queue; `none` drops dead letters.',
  },
  'expiry.queue': {
    kind: 'queue',
    default: 'ExpiryQueue',
    about: 'Queue for expired messages; `none` drops them.',
  },
  'redelivery.delay.ms': {
    kind: 'number',
    default: '0',
    about: 'Delay before a failed message is redelivered.',
  },
  'redelivery.multiplier': {
    kind: 'number',
    default: '1',
    about: 'Factor by which the redelivery delay grows with each failure.',
  },
  'redelivery.max.delay.ms': {
    kind: 'number',
    default: '300000',
    about: 'Maximum redelivery delay.',
  },
  'duplicate.window.ms': {
    kind: 'number',
    default: '600000',
    about:
      'Time during which a second message with the same duplicate id is dropped; 0 disables duplicate detection.',
  },
  'count.prefetched.on.loss': {
    kind: 'text',
    default: 'always',
    oneOf: ['always', 'unless-transacted', 'never'],
    about:
      'Whether unsettled messages count as failed deliveries when the connection of their consumer is lost. `unless-transacted` excludes transacted sessions, in which clients such as Qpid JMS settle each message that the program receives.',
  },
  'delivery.count.persistence': {
    kind: 'text',
    default: 'after',
    oneOf: ['after', 'before', 'none'],
    about:
      'When deliveries are counted in the state topic, so that `JMSRedelivered` is set after a crash of the provider: a few milliseconds `after` the delivery, `before` it (which delays each delivery by a write), or not at all (`none`).',
  },
  'max.messages': {
    kind: 'number',
    default: '0',
    about: 'Number of waiting messages at which producers are blocked; 0 for no limit.',
  },
  exclusive: {
    kind: 'boolean',
    default: 'false',
    about: 'Whether only the first consumer of a queue receives messages.',
  },
  partitions: {
    kind: 'number',
    default: '1',
    about:
      'Partitions of the Kafka topic when it is created. With more than one, messages are not ordered.',
  },
  trim: {
    kind: 'text',
    default: 'created',
    oneOf: ['created', 'always', 'never'],
    about:
      'Whether consumed messages are deleted from the Kafka topic: `created` (only from topics that the provider created), `always` or `never`.',
  },
  'consumed.retention.ms': {
    kind: 'number',
    default: '300000',
    about:
      'Retention time of messages in the Kafka topic, for Kafka programs, after all subscriptions have consumed them.',
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

  /** Items of a list, separated by commas. */
  list(key: ProviderKey): string[] {
    return this.text(key)
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '')
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
  if (setting.kind === 'queue' && hasWildcard(value)) refuse('a queue name without wildcards')
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
