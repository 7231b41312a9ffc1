// SPDX-License-Identifier: Apache-2.0
import { type Logger, MillraceError, nearestSpelling } from '@millrace/base'
import { type CompatibilityLevel, compatibilityLevels } from '../registry/settings.ts'

/** A setting of the registry with an invalid value. */
export class RegistryConfigError extends MillraceError {
  override readonly name = 'RegistryConfigError'
  /** Creates the error; `message` names the setting, its value and what is expected. */
  constructor(message: string, cause?: unknown) {
    super('MILLRACE_INVALID_CONFIG', message, { cause })
  }
}

type Kind = 'text' | 'number' | 'boolean'

interface Setting {
  readonly kind: Kind
  readonly default: string
  readonly about: string
  readonly oneOf?: readonly string[]
}

/** Settings, with the names of Confluent's configuration. Those with `millrace.` are our own. */
export const registrySettings = {
  listeners: {
    kind: 'text',
    default: 'http://127.0.0.1:8081',
    about: 'Comma-separated addresses to listen on: `http://host:port` or `https://host:port`.',
  },
  'kafkastore.topic': {
    kind: 'text',
    default: '_schemas',
    about: 'Topic with the schemas: one partition, compacted.',
  },
  'kafkastore.topic.replication.factor': {
    kind: 'number',
    default: '-1',
    about: 'Replicas of the topic when it is created. -1: 3, or the number of brokers if less.',
  },
  'kafkastore.topic.skip.validation': {
    kind: 'boolean',
    default: 'false',
    about: 'Whether an existing topic is used without checking its partitions and policy.',
  },
  'kafkastore.timeout.ms': {
    kind: 'number',
    default: '10000',
    about: 'Time limit of a write to the topic. Confluent: 500.',
  },
  'kafkastore.init.timeout.ms': {
    kind: 'number',
    default: '60000',
    about: 'Time limit of creating or checking the topic, and of reading it, at the start.',
  },
  'schema.compatibility.level': {
    kind: 'text',
    default: 'backward',
    about: 'Compatibility level of the registry until it is changed.',
  },
  'schema.validate.fields': {
    kind: 'boolean',
    default: 'false',
    about: 'Whether reserved fields of schemas are checked, unless a subject says otherwise.',
  },
  'schema.validate.new.schemas': {
    kind: 'boolean',
    default: 'false',
    about: 'Whether new schemas are checked strictly, unless a subject says otherwise.',
  },
  'mode.mutability': {
    kind: 'boolean',
    default: 'true',
    about: 'Whether modes may be changed.',
  },
  'schema.registry.group.id': {
    kind: 'text',
    default: 'schema-registry',
    about:
      'Group of the registries of a cluster; one of them writes. Registries of one cluster with different topics need different groups.',
  },
  'leader.eligibility': {
    kind: 'boolean',
    default: 'true',
    about: 'Whether this registry may become the one that writes.',
  },
  'host.name': {
    kind: 'text',
    default: '',
    about: 'Host at which the other registries reach this one. Default: that of the listener.',
  },
  'host.port': {
    kind: 'number',
    default: '-1',
    about: 'Port at which the other registries reach this one. -1: that of the listener.',
  },
  'inter.instance.protocol': {
    kind: 'text',
    default: 'http',
    oneOf: ['http', 'https'],
    about: 'Listener at which the other registries reach this one.',
  },
  'leader.connect.timeout.ms': {
    kind: 'number',
    default: '60000',
    about: 'Time limit of connecting to the registry that writes.',
  },
  'leader.read.timeout.ms': {
    kind: 'number',
    default: '60000',
    about: 'Time limit of a reply of the registry that writes.',
  },
  'kafkagroup.session.timeout.ms': {
    kind: 'number',
    default: '10000',
    about: 'Time after which a registry that does not send heartbeats is replaced.',
  },
  'kafkagroup.heartbeat.interval.ms': {
    kind: 'number',
    default: '3000',
    about: 'Interval of heartbeats to the group.',
  },
  'kafkagroup.rebalance.timeout.ms': {
    kind: 'number',
    default: '300000',
    about: 'Time limit of an election.',
  },
  'size.limit.filter.max.request.body.size': {
    kind: 'number',
    default: '8388608',
    about: 'Largest body of a request, bytes.',
  },
  'authentication.method': {
    kind: 'text',
    default: 'NONE',
    oneOf: ['NONE', 'BASIC', 'BEARER'],
    about:
      'How clients authenticate: `BASIC` with `authentication.users.file`, `BEARER` with tokens.',
  },
  'authentication.users.file': {
    kind: 'text',
    default: '',
    about: 'Properties file of users, one `name=password` per line.',
  },
  'authentication.tokens.file': {
    kind: 'text',
    default: '',
    about: 'File of bearer tokens, one per line.',
  },
  'ssl.keystore.location': {
    kind: 'text',
    default: '',
    about: 'Key store with the key and certificate of `https` listeners: JKS, PKCS12 or PEM.',
  },
  'ssl.keystore.password': { kind: 'text', default: '', about: 'Password of the key store.' },
  'ssl.key.password': { kind: 'text', default: '', about: 'Password of the key.' },
  'ssl.truststore.location': {
    kind: 'text',
    default: '',
    about: 'Trust store with the authorities of client certificates.',
  },
  'ssl.truststore.password': { kind: 'text', default: '', about: 'Password of the trust store.' },
  'ssl.client.authentication': {
    kind: 'text',
    default: 'NONE',
    oneOf: ['NONE', 'REQUESTED', 'REQUIRED'],
    about: 'Whether clients of `https` listeners need a certificate.',
  },
  'ssl.client.auth': {
    kind: 'boolean',
    default: 'false',
    about: 'The older name of `ssl.client.authentication=REQUIRED`.',
  },
  'millrace.insecure': {
    kind: 'boolean',
    default: 'false',
    about: 'Whether other machines may reach the registry without authentication.',
  },
} as const satisfies Readonly<Record<string, Setting>>

type RegistryKey = keyof typeof registrySettings

/** Settings of Confluent's registry that are known here, and why they have no effect. */
const ignored: Readonly<Record<string, string>> = {
  'kafkastore.connection.url': 'ZooKeeper is not used',
  'kafkastore.group.id': 'the topic is read without a group',
  'kafkastore.checkpoint.dir': 'the topic is read from its beginning',
  'kafkastore.init.wait.for.reader': 'the topic is always read before requests are served',
  'kafkastore.write.max.retries': 'writes are retried until kafkastore.timeout.ms',
  'schema.providers.json.fetch.remote.schemas': 'schemas are never fetched from other servers',
  'schema.cache.size': 'the cache is limited to 1000 schemas',
  'schema.cache.expiry.secs': 'cached schemas do not expire',
  'metadata.encoder.secret': 'encrypted metadata is stored, and not decrypted',
  'metadata.encoder.topic': 'encrypted metadata is stored, and not decrypted',
  'access.control.allow.origin': 'requests of web pages are not answered',
  'access.control.allow.methods': 'requests of web pages are not answered',
  'authentication.realm': 'users are read from authentication.users.file',
  'authentication.roles': 'all users have all rights',
  debug: 'errors never show more than their message',
}

/** An address to listen on. */
export interface RegistryListener {
  /** Protocol. */
  readonly scheme: 'http' | 'https'
  /** Host. */
  readonly host: string
  /** Port; 0 selects a free one. */
  readonly port: number
}

/** Parses a listener. Throws `RegistryConfigError`. */
export function parseRegistryListener(text: string): RegistryListener {
  const match =
    /^(?:(?:[\w.-]+:\/\/)?(https?):\/\/)?(?:\[([^\]]*)\]|([^:/[\]]*)):(\d{1,5})\/?$/.exec(text)
  const port = Number(match?.[4])
  if (match === null || port > 65_535) {
    throw new RegistryConfigError(
      `invalid value ${JSON.stringify(text)} for listeners: expected http://host:port or https://host:port`,
    )
  }
  const host = match[2] ?? match[3] ?? ''
  const scheme = match[1] === 'https' ? 'https' : 'http'
  return { scheme, host: host === '' ? '0.0.0.0' : host, port }
}

/** Prefixes of settings that are passed on: to the clients of Kafka, and to a created topic. */
const CLIENT_PREFIX = 'kafkastore.'
const TOPIC_CONFIG_PREFIX = 'kafkastore.topic.config.'

/** Validated configuration of a registry. Throws `RegistryConfigError` for an invalid value. */
export class RegistryConfig {
  readonly #values = new Map<RegistryKey, string>()
  /** Settings of clients of Kafka, without their prefix. */
  readonly clientProperties = new Map<string, string>()
  /** Configuration of a created topic. */
  readonly topicConfigs: Readonly<Record<string, string>>
  /** What has no effect, in sentences. */
  readonly warnings: readonly string[]

  /** Reads settings; keys of other components are warned of. */
  constructor(settings: ReadonlyMap<string, string>) {
    const warnings: string[] = []
    const topicConfigs: Record<string, string> = {}
    for (const [key, given] of settings) {
      const value = given.trim()
      const known = Object.hasOwn(aliases, key) ? (aliases[key] ?? key) : key
      if (Object.hasOwn(registrySettings, known)) this.#set(known as RegistryKey, key, value)
      else if (key.startsWith(TOPIC_CONFIG_PREFIX)) {
        topicConfigs[key.slice(TOPIC_CONFIG_PREFIX.length)] = value
      } else if (Object.hasOwn(ignored, key)) warnings.push(`${key} has no effect: ${ignored[key]}`)
      else if (isClientKey(key)) this.clientProperties.set(key.slice(CLIENT_PREFIX.length), value)
      else warnings.push(unknownKey(key))
    }
    this.topicConfigs = topicConfigs
    this.warnings = warnings
    this.level
    this.listeners
  }

  #set(key: RegistryKey, given: string, value: string): void {
    const setting: Setting = registrySettings[key]
    const refuse = (expected: string): never => {
      throw new RegistryConfigError(
        `invalid value ${JSON.stringify(value)} for ${given}: expected ${expected}`,
      )
    }
    const { oneOf, kind } = setting
    const choice = oneOf?.find((each) => each.toLowerCase() === value.toLowerCase())
    if (oneOf !== undefined && choice === undefined) refuse(oneOf.join(', '))
    if (kind === 'number' && !/^-?\d+$/.test(value)) refuse('a number')
    if (kind === 'boolean' && !/^(true|false)$/i.test(value)) refuse('true or false')
    this.#values.set(key, choice ?? (kind === 'boolean' ? value.toLowerCase() : value))
  }

  /** Value of a setting. */
  text(key: RegistryKey): string {
    return this.#values.get(key) ?? registrySettings[key].default
  }

  /** Value of a numeric setting. */
  number(key: RegistryKey): number {
    return Number(this.text(key))
  }

  /** Value of a setting that is true or false. */
  boolean(key: RegistryKey): boolean {
    return this.text(key) === 'true'
  }

  /** Compatibility level of the registry. */
  get level(): CompatibilityLevel {
    const text = this.text('schema.compatibility.level')
    const level = compatibilityLevels.find((each) => each === text.toUpperCase())
    if (level !== undefined) return level
    const expected = compatibilityLevels.join(', ').toLowerCase()
    throw new RegistryConfigError(
      `invalid value ${JSON.stringify(text)} for schema.compatibility.level: expected ${expected}`,
    )
  }

  /** Addresses to listen on. */
  get listeners(): readonly RegistryListener[] {
    return this.text('listeners')
      .split(',')
      .map((each) => parseRegistryListener(each.trim()))
  }

  /** Logs what has no effect. */
  logWarnings(logger: Logger): void {
    for (const warning of this.warnings) logger.warn(warning)
  }
}

/** Older names of settings. */
const aliases: Readonly<Record<string, RegistryKey>> = {
  'avro.compatibility.level': 'schema.compatibility.level',
  'master.eligibility': 'leader.eligibility',
  'schema.registry.inter.instance.protocol': 'inter.instance.protocol',
}

function isClientKey(key: string): boolean {
  return /^kafkastore\.(bootstrap\.servers|security\.protocol|ssl\.|sasl\.|client\.)/.test(key)
}

function unknownKey(key: string): string {
  const known = [...Object.keys(registrySettings), ...Object.keys(ignored)]
  const nearest = nearestSpelling(key, known)
  const hint = nearest === undefined ? '' : `; did you mean ${nearest}?`
  return `unknown configuration ${key} has no effect${hint}`
}
