// SPDX-License-Identifier: Apache-2.0
import { configProviderClasses, elementAt, nearestSpelling } from '@millrace/base'
import { brokerConfigDefinitions } from './broker-config-definitions.ts'
import { checkBrokerRules } from './broker-rules.ts'
import { type ConfigDefinition, ConfigError, invalidValue } from './config-definition.ts'
import { numberOf, splitList, validateValue } from './config-value.ts'
import { type ListenerConfig, resolveListeners } from './listeners.ts'
import { saslConfigOf } from './sasl-config.ts'

export type BrokerConfigKey = keyof typeof brokerConfigDefinitions

/**
 * Defaults that differ from Apache Kafka's; `docs/reference/configuration.md` gives the reasons.
 */
export const ownDefaults: Readonly<Partial<Record<BrokerConfigKey, string>>> = {
  // A single node is its own controller, and has no second replica.
  'process.roles': 'broker,controller',
  'node.id': '1',
  'controller.listener.names': 'CONTROLLER',
  'offsets.topic.replication.factor': '1',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  'share.coordinator.state.topic.replication.factor': '1',
  'share.coordinator.state.topic.min.isr': '1',
  // Default of Kafka: 3 s. A new group gets its first records within 100 ms.
  'group.initial.rebalance.delay.ms': '0',
  'group.streams.initial.rebalance.delay.ms': '0',
  // Assignment is cheap on a single node, so there is no reason to delay it.
  'group.consumer.assignment.interval.ms': '0',
  'group.share.assignment.interval.ms': '0',
  'group.streams.assignment.interval.ms': '0',
  // Allows thousands of consumers of one queue.
  'group.share.max.size': '10000',
  // Limit for all connections together.
  'queued.max.request.bytes': '134217728',
  'log.dirs': './millrace-data',
  listeners: 'PLAINTEXT://127.0.0.1:9092',
}

const definitions: Readonly<Record<string, ConfigDefinition>> = brokerConfigDefinitions

/** Definition of a key for one listener, `listener.name.<listener>.[<mechanism>.]<key>`. */
function listenerDefinition(name: string): ConfigDefinition | undefined {
  const [, key, afterMechanism] = /^listener\.name\.[^.]*\.([^.]*\.(.*))$/.exec(name) ?? []
  return definitions[key ?? ''] ?? definitions[afterMechanism ?? '']
}

/** Patterns of keys that contain the name of a listener, a SASL mechanism or a plugin. */
const OPEN_FAMILIES =
  /^(listener\.name\.|metrics\.|sasl\.|ssl\.|rlmm\.config\.|rsm\.config\.|config\.providers\.)/

/**
 * A broker's configuration: validated values of the file and the options over the defaults, and
 * dynamic values over both.
 */
export class BrokerConfig {
  /** Keys that were set, in the given order. */
  readonly given: ReadonlyMap<string, string>
  /** Listeners of the broker, in the given order. */
  readonly listeners: readonly ListenerConfig[]
  #dynamic: ReadonlyMap<string, string> = new Map()
  #revision = 0
  readonly #checks: ((next: BrokerConfig) => void)[] = []
  readonly #listeners: (() => void)[] = []
  #warnings: readonly string[] | undefined

  /**
   * Throws `ConfigError` for the first value that is invalid, by itself or together with other
   * keys.
   */
  constructor(given: ReadonlyMap<string, string>) {
    this.given = given
    for (const [key, value] of given) {
      const definition = definitions[key] ?? listenerDefinition(key)
      if (definition !== undefined) validateValue(key, value, definition)
    }
    checkReferences(given)
    this.#checkFeatures()
    this.#checkRoles()
    checkBrokerRules(given)
    this.listeners = resolveListeners({
      listeners: this.string('listeners'),
      advertisedListeners: given.get('advertised.listeners'),
      controllerListenerNames: this.string('controller.listener.names'),
      protocolMap: this.string('listener.security.protocol.map'),
      isProtocolMapGiven: given.has('listener.security.protocol.map'),
      interBrokerListenerName: given.get('inter.broker.listener.name')?.trim(),
      interBrokerProtocol: given.get('security.inter.broker.protocol')?.trim(),
      earlyStartListeners: given.get('early.start.listeners'),
    })
    for (const { listenerName, securityProtocol } of this.listeners) {
      if (securityProtocol.startsWith('SASL_')) saslConfigOf(this, listenerName)
    }
  }

  /** One warning for each ignored key. */
  get warnings(): readonly string[] {
    this.#warnings ??= warningsFor(this.given)
    return this.#warnings
  }

  /** Replaces the dynamic values, which must have been validated. */
  applyDynamic(values: ReadonlyMap<string, string>): void {
    this.#dynamic = values
    this.#revision++
    for (const listener of this.#listeners) listener()
  }

  /** Adds a function that is called after dynamic values have changed. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener)
  }

  /** The current text of a key, or null if it has neither value nor default. */
  get(key: BrokerConfigKey): string | null {
    return (
      (this.#dynamic.get(key) ?? this.given.get(key))?.trim() ??
      ownDefaults[key] ??
      brokerConfigDefinitions[key].default
    )
  }

  /** For keys that always have a value. */
  string(key: BrokerConfigKey): string {
    const value = this.get(key)
    if (value === null) throw new ConfigError(key, `Missing required configuration ${key}`)
    return value
  }

  /** 64-bit limits above 2⁵³ lose precision here, which makes no practical difference. */
  number(key: BrokerConfigKey): number {
    return numberOf(this.string(key))
  }

  /** A number, or undefined if the key has neither value nor default. */
  optionalNumber(key: BrokerConfigKey): number | undefined {
    const value = this.get(key)
    return value === null ? undefined : numberOf(value)
  }

  /** For keys that always have a value. */
  boolean(key: BrokerConfigKey): boolean {
    return this.string(key).toLowerCase() === 'true'
  }

  /** Items of a list; empty if the key has neither value nor default. */
  list(key: BrokerConfigKey): string[] {
    return splitList(this.get(key) ?? '')
  }

  /** Number set for one listener (`listener.name.<listener>.<key>`), else the number for all. */
  listenerNumber(listener: string, key: BrokerConfigKey): number {
    return numberOf(this.listenerText(listener, key) ?? '')
  }

  /** The items of a list for one listener, or for all. */
  listenerList(listener: string, key: BrokerConfigKey): string[] {
    return splitList(this.listenerText(listener, key) ?? '')
  }

  /**
   * Text for one listener and SASL mechanism: `listener.name.<listener>.<mechanism>.<key>`, then
   * `listener.name.<listener>.<key>`, then `<mechanism>.<key>`, then the key itself.
   */
  listenerText(listener: string, key: BrokerConfigKey, mechanism?: string): string | null {
    return this.ownListenerText(listener, key, mechanism) ?? this.get(key)
  }

  /** The same, without the value for all listeners. */
  ownListenerText(listener: string, key: BrokerConfigKey, mechanism?: string): string | undefined {
    const prefix = `listener.name.${listener.toLowerCase()}.`
    const names =
      mechanism === undefined
        ? [`${prefix}${key}`]
        : [
            `${prefix}${mechanism.toLowerCase()}.${key}`,
            `${prefix}${key}`,
            `${mechanism.toLowerCase()}.${key}`,
          ]
    for (const name of names) {
      const own = this.#dynamic.get(name) ?? this.given.get(name)
      if (own !== undefined) return own.trim()
    }
    return undefined
  }

  /** JAAS configuration of a mechanism; the bare key is of this broker as a client. */
  listenerJaas(listener: string, mechanism: string): string | null {
    const name = `${mechanism.toLowerCase()}.sasl.jaas.config`
    for (const key of [`listener.name.${listener.toLowerCase()}.${name}`, name]) {
      const own = this.#dynamic.get(key) ?? this.given.get(key)
      if (own !== undefined) return own.trim()
    }
    return null
  }

  /** Adds a check of changes at run time; it throws `ConfigError` for what it refuses. */
  onProposal(check: (next: BrokerConfig) => void): void {
    this.#checks.push(check)
  }

  /** Throws `ConfigError` if a part of the running broker refuses a configuration. */
  checkProposal(next: BrokerConfig): void {
    for (const check of this.#checks) check(next)
  }

  /** Counts dynamic changes, so that values derived from the configuration can be cached. */
  get revision(): number {
    return this.#revision
  }

  /** `node.id`, or `broker.id` if only that is set. */
  get nodeId(): number {
    const id = this.given.has('node.id')
      ? this.number('node.id')
      : numberOf(this.given.get('broker.id') ?? '1')
    return id
  }

  /** `log.dirs`, or `log.dir` if only that is set. */
  get logDirectories(): string[] {
    if (this.given.has('log.dirs')) return this.list('log.dirs')
    if (this.given.has('log.dir')) return this.list('log.dir')
    return this.list('log.dirs')
  }

  /** Whether every log directory is cordoned (KIP-1066). */
  get isCordoned(): boolean {
    const cordoned = this.list('cordoned.log.dirs')
    return cordoned.includes('*') || this.logDirectories.every((path) => cordoned.includes(path))
  }

  /** Directory of the metadata log: the first log directory unless `metadata.log.dir` is set. */
  get metadataDirectory(): string {
    return this.get('metadata.log.dir') ?? elementAt(this.logDirectories, 0)
  }

  /** Features that a single node lacks must be rejected, not silently ignored. */
  #checkFeatures(): void {
    const authorizer = this.string('authorizer.class.name')
    if (authorizer !== '' && authorizer !== STANDARD_AUTHORIZER) {
      throw invalidValue('authorizer.class.name', authorizer, STANDARD_AUTHORIZER)
    }
    this.#checkSuperUsers()
    if (this.boolean('remote.log.storage.system.enable')) {
      throw new ConfigError(
        'remote.log.storage.system.enable',
        'Invalid value true for configuration remote.log.storage.system.enable: this version has no tiered storage',
      )
    }
  }

  /** Settings of the authorizer; undefined if there is none, so that everything is allowed. */
  get authorizer():
    | { readonly superUsers: ReadonlySet<string>; readonly allowEveryoneIfNoAclFound: boolean }
    | undefined {
    if (this.string('authorizer.class.name') === '') return undefined
    const open = this.given.get('allow.everyone.if.no.acl.found') ?? ''
    return {
      superUsers: this.#superUsers,
      allowEveryoneIfNoAclFound: open.trim().toLowerCase() === 'true',
    }
  }

  get #superUsers(): ReadonlySet<string> {
    const items = (this.given.get('super.users') ?? '').split(';').map((item) => item.trim())
    return new Set(items.filter((item) => item !== ''))
  }

  #checkSuperUsers(): void {
    for (const user of this.#superUsers) {
      if (user.includes(':')) continue
      throw invalidValue(
        'super.users',
        user,
        'principals as User:name, with semicolons between them',
      )
    }
  }

  #checkRoles(): void {
    const roles = this.list('process.roles')
    if (!roles.includes('broker') || !roles.includes('controller')) {
      throw invalidValue(
        'process.roles',
        roles.join(','),
        'broker,controller: millrace is one node that is both',
      )
    }
    const voters = this.list('controller.quorum.voters')
    const mine = `${this.nodeId}@`
    if (voters.length > 1 || (voters.length === 1 && !voters[0]?.startsWith(mine))) {
      throw invalidValue(
        'controller.quorum.voters',
        voters.join(','),
        `${mine}host:port: millrace is a single node`,
      )
    }
  }
}

const STANDARD_AUTHORIZER = 'org.apache.kafka.metadata.authorizer.StandardAuthorizer'
/** Keys that the authorizer reads. Kafka defines them in its class, not among the broker's keys. */
const AUTHORIZER_KEYS = ['super.users', 'allow.everyone.if.no.acl.found']

/**
 * Throws `ConfigError` for a reference such as `${file:path:key}`, and for a config provider that
 * Kafka does not have (KIP-297). Those of the file have been resolved; values that clients set are
 * never resolved, because they could read any file (CVE-2024-31141).
 */
export function checkReferences(given: ReadonlyMap<string, string>): void {
  for (const provider of splitList(given.get('config.providers') ?? '')) {
    const classKey = `config.providers.${provider}.class`
    const className = given.get(classKey)?.trim()
    if (className === undefined) continue
    if (!configProviderClasses.includes(className)) {
      throw invalidValue(classKey, className, `one of ${configProviderClasses.join(', ')}`)
    }
    for (const [key, value] of given) {
      if (!value.includes(`\${${provider}:`)) continue
      throw invalidValue(
        key,
        '[hidden]',
        'a value without references: they are resolved only in the file of the broker',
      )
    }
  }
}

/** Java reporter classes, which only observe; ignoring them changes nothing else. */
const REPORTERS: readonly BrokerConfigKey[] = [
  'metric.reporters',
  'kafka.metrics.reporters',
  'replica.selector.class',
  'security.providers',
]

function warningsFor(given: ReadonlyMap<string, string>): string[] {
  return [...given].flatMap(([key, value]) => {
    if (AUTHORIZER_KEYS.includes(key)) return []
    if (definitions[key] === undefined) return OPEN_FAMILIES.test(key) ? [] : [unknownKey(key)]
    const isReporter = REPORTERS.some((name) => name === key)
    if (!isReporter || value.trim() === '' || value.trim() === definitions[key]?.default) return []
    return [`configuration ${key} is ignored: Java classes cannot be loaded`]
  })
}

function unknownKey(key: string): string {
  const nearest = nearestSpelling(key, [...Object.keys(definitions), ...AUTHORIZER_KEYS])
  return nearest === undefined
    ? `unknown configuration ${key} is ignored`
    : `unknown configuration ${key} is ignored; did you mean ${nearest}?`
}
