// SPDX-License-Identifier: Apache-2.0
import { nearestSpelling } from '@millrace/base'
import { brokerConfigDefinitions } from './broker-config-definitions.ts'
import {
  type ConfigDefinition,
  ConfigError,
  splitList,
  validateValue,
} from './config-definition.ts'
import { type Endpoint, parseEndpoints, parseProtocolMap } from './listeners.ts'

export type BrokerConfigKey = keyof typeof brokerConfigDefinitions

/** Defaults of ours that differ from Apache Kafka's; `docs/reference/configuration.md` says why. */
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
  // The first record of a new group within 100 ms, not after three seconds.
  'group.initial.rebalance.delay.ms': '0',
  'group.streams.initial.rebalance.delay.ms': '0',
  // Assigning is quick here, so nothing is gained by putting it off.
  'group.consumer.assignment.interval.ms': '0',
  'group.share.assignment.interval.ms': '0',
  'group.streams.assignment.interval.ms': '0',
  // Thousands of consumers of one queue.
  'group.share.max.size': '10000',
  // Memory is bounded over all connections.
  'queued.max.request.bytes': '134217728',
  'log.dirs': './millrace-data',
  listeners: 'PLAINTEXT://127.0.0.1:9092',
}

const definitions: Readonly<Record<string, ConfigDefinition>> = brokerConfigDefinitions

/** Families of keys that name a listener, a mechanism or a plugin. */
const OPEN_FAMILIES = /^(listener\.name\.|metrics\.|sasl\.|ssl\.|rlmm\.config\.|rsm\.config\.)/

export interface ListenerConfig extends Endpoint {
  readonly securityProtocol: string
  readonly isController: boolean
  /** What Metadata answers; undefined answers with the address the client used. */
  readonly advertised: { readonly host: string; readonly port: number } | undefined
}

/** A broker's static configuration: what its file and options say, checked, over the defaults. */
export class BrokerConfig {
  /** Keys that were set, in the order given. */
  readonly given: ReadonlyMap<string, string>
  /** One line for every key nobody knows. */
  readonly warnings: readonly string[]
  readonly listeners: readonly ListenerConfig[]

  /** Throws `ConfigError` for the first value that its key does not allow. */
  constructor(given: ReadonlyMap<string, string>) {
    this.given = given
    const warnings: string[] = []
    for (const [key, value] of given) {
      const definition = definitions[key]
      if (definition !== undefined) validateValue(key, value, definition)
      else if (!OPEN_FAMILIES.test(key)) warnings.push(unknownKey(key))
    }
    this.warnings = warnings
    this.#checkRoles()
    this.listeners = this.#parseListeners()
  }

  /** Text of a key, or null when it has neither value nor default. */
  get(key: BrokerConfigKey): string | null {
    return this.given.get(key)?.trim() ?? ownDefaults[key] ?? brokerConfigDefinitions[key].default
  }

  /** Only for keys that always have a value. */
  string(key: BrokerConfigKey): string {
    const value = this.get(key)
    if (value === null) throw new ConfigError(key, `Missing required configuration ${key}`)
    return value
  }

  /** 64-bit limits beyond 2⁵³ lose digits here, which no limit notices. */
  number(key: BrokerConfigKey): number {
    return Number(this.string(key))
  }

  optionalNumber(key: BrokerConfigKey): number | undefined {
    const value = this.get(key)
    return value === null ? undefined : Number(value)
  }

  boolean(key: BrokerConfigKey): boolean {
    return this.string(key).toLowerCase() === 'true'
  }

  list(key: BrokerConfigKey): string[] {
    return splitList(this.get(key) ?? '')
  }

  get nodeId(): number {
    const id = this.given.has('node.id')
      ? this.number('node.id')
      : Number(this.given.get('broker.id') ?? 1)
    return id
  }

  get logDirectories(): string[] {
    if (this.given.has('log.dirs')) return this.list('log.dirs')
    if (this.given.has('log.dir')) return this.list('log.dir')
    return this.list('log.dirs')
  }

  get metadataDirectory(): string {
    return this.get('metadata.log.dir') ?? (this.logDirectories[0] as string)
  }

  #checkRoles(): void {
    const roles = this.list('process.roles')
    if (!roles.includes('broker')) {
      throw new ConfigError(
        'process.roles',
        `Invalid value ${roles.join(',')} for configuration process.roles: millrace is one node that is both; allowed is broker,controller`,
      )
    }
    if (this.logDirectories.length === 0) {
      throw new ConfigError(
        'log.dirs',
        'Invalid value for configuration log.dirs: at least one directory is needed',
      )
    }
    const voters = this.list('controller.quorum.voters')
    const mine = `${this.nodeId}@`
    if (voters.length > 1 || (voters.length === 1 && !voters[0]?.startsWith(mine))) {
      throw new ConfigError(
        'controller.quorum.voters',
        `Invalid value ${voters.join(',')} for configuration controller.quorum.voters: millrace is a single node, allowed is ${mine}host:port`,
      )
    }
  }

  #parseListeners(): ListenerConfig[] {
    const controllerNames = new Set(
      this.list('controller.listener.names').map((name) => name.toUpperCase()),
    )
    const protocols = parseProtocolMap(
      'listener.security.protocol.map',
      this.string('listener.security.protocol.map'),
    )
    const advertised = new Map(
      parseEndpoints('advertised.listeners', this.get('advertised.listeners') ?? '').map(
        (endpoint) => [endpoint.listenerName, endpoint],
      ),
    )
    const endpoints = parseEndpoints('listeners', this.string('listeners'))
    for (const { listenerName, host } of advertised.values()) {
      if (!endpoints.some((endpoint) => endpoint.listenerName === listenerName)) {
        throw new ConfigError(
          'advertised.listeners',
          `Invalid value ${listenerName} for configuration advertised.listeners: allowed are the names in listeners, ${endpoints.map((endpoint) => endpoint.listenerName).join(', ')}`,
        )
      }
      if (host === '0.0.0.0') {
        throw new ConfigError(
          'advertised.listeners',
          `Invalid value ${listenerName}://0.0.0.0 for configuration advertised.listeners: it must be an address that clients can reach`,
        )
      }
    }
    const listeners = endpoints.map((endpoint) => {
      const { listenerName } = endpoint
      const isController = controllerNames.has(listenerName)
      const securityProtocol =
        protocols.get(listenerName) ?? (isController ? 'PLAINTEXT' : undefined)
      if (securityProtocol === undefined) {
        throw new ConfigError(
          'listeners',
          `Invalid value ${listenerName} for configuration listeners: listener.security.protocol.map gives no security protocol for it`,
        )
      }
      if (securityProtocol !== 'PLAINTEXT') {
        throw new ConfigError(
          'listener.security.protocol.map',
          `Invalid value ${securityProtocol} for configuration listener.security.protocol.map: listener ${listenerName} can only be PLAINTEXT in this version`,
        )
      }
      const known = advertised.get(listenerName)
      return {
        ...endpoint,
        securityProtocol,
        isController,
        advertised: known === undefined ? undefined : { host: known.host, port: known.port },
      }
    })
    if (!listeners.some((listener) => !listener.isController)) {
      throw new ConfigError(
        'listeners',
        `Invalid value ${this.string('listeners')} for configuration listeners: at least one listener must be for clients`,
      )
    }
    return listeners
  }
}

function unknownKey(key: string): string {
  const nearest = nearestSpelling(key, Object.keys(definitions))
  return nearest === undefined
    ? `unknown configuration ${key} is ignored`
    : `unknown configuration ${key} is ignored; did you mean ${nearest}?`
}
