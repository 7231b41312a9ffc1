// SPDX-License-Identifier: Apache-2.0

import { isIPv4, isIPv6 } from 'node:net'
import { elementAt } from '@millrace/base'
import { ConfigError, invalidValue } from './config-definition.ts'
import { splitList } from './config-value.ts'

export interface Endpoint {
  readonly listenerName: string
  /** Empty for all interfaces. */
  readonly host: string
  readonly port: number
}

export interface ListenerConfig extends Endpoint {
  /** `PLAINTEXT`, `SSL`, `SASL_PLAINTEXT` or `SASL_SSL`. */
  readonly securityProtocol: string
  readonly isController: boolean
  /** Port that Metadata returns; undefined for the address the client connected to. */
  readonly advertised: { readonly host: string; readonly port: number } | undefined
}

/** Listener settings as text; undefined where the file sets nothing. */
export interface ListenerSettings {
  readonly listeners: string
  readonly advertisedListeners: string | undefined
  readonly controllerListenerNames: string
  readonly protocolMap: string
  /** Whether the file sets `listener.security.protocol.map`. */
  readonly isProtocolMapGiven: boolean
  readonly interBrokerListenerName: string | undefined
  readonly interBrokerProtocol: string | undefined
  readonly earlyStartListeners: string | undefined
}

const PROTOCOLS = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL']

/** Parses `NAME://host:port,…`; an IPv6 host is in brackets. */
export function parseEndpoints(key: string, value: string): Endpoint[] {
  const endpoints = splitList(value).map((text) => {
    const match = /^([^:/]+):\/\/(?:\[([^\]]*)\]|([^:]*)):(-?\d+)$/.exec(text)
    if (match === null) throw invalidValue(key, text, 'a list of NAME://host:port')
    const port = Number(match[4])
    if (port < 0 || port > 65535) throw invalidValue(key, text, 'a port from 0 to 65535')
    return {
      listenerName: elementAt(match, 1).toUpperCase(),
      host: match[2] ?? match[3] ?? '',
      port,
    }
  })
  const names = new Set<string>()
  for (const { listenerName } of endpoints) {
    if (names.has(listenerName)) {
      throw invalidValue(
        key,
        value,
        `a different name for each listener; ${listenerName} is repeated`,
      )
    }
    names.add(listenerName)
  }
  return endpoints
}

/**
 * Throws `ConfigError` unless all listeners have different ports, or one is IPv4 and the other
 * IPv6.
 */
function checkPorts(key: string, value: string, endpoints: readonly Endpoint[]): void {
  const byPort = Map.groupBy(
    endpoints.filter(({ port }) => port !== 0),
    ({ port }) => port,
  )
  for (const [port, sharing] of byPort) {
    const hosts = sharing.map(({ host }) => host)
    const isPair = hosts.length === 2 && hosts.some(isIPv4) && hosts.some(isIPv6)
    if (hosts.length === 1 || isPair) continue
    throw invalidValue(
      key,
      value,
      `a different port for each listener, or one IPv4 and one IPv6 address; ${port} is repeated`,
    )
  }
}

/** Parses `listener.security.protocol.map`: `NAME:PROTOCOL,…`. */
export function parseProtocolMap(key: string, value: string): Map<string, string> {
  return new Map(
    splitList(value).map((entry) => {
      // As in Kafka, a name may contain colons: the last one separates.
      const colon = entry.lastIndexOf(':')
      const name = entry.slice(0, colon).trim().toUpperCase()
      const protocol = entry
        .slice(colon + 1)
        .trim()
        .toUpperCase()
      if (colon === -1) throw invalidValue(key, entry, 'a list of NAME:PROTOCOL')
      if (!PROTOCOLS.includes(protocol)) {
        throw invalidValue(key, entry, `one of the security protocols ${PROTOCOLS.join(', ')}`)
      }
      return [name, protocol]
    }),
  )
}

/** Reads and validates the listeners. Throws `ConfigError`. */
export function resolveListeners(settings: ListenerSettings): ListenerConfig[] {
  const controllerNames = splitList(settings.controllerListenerNames).map((name) =>
    name.toUpperCase(),
  )
  const protocols = protocolsOf(settings, controllerNames)
  const endpoints = parseEndpoints('listeners', settings.listeners)
  checkPorts('listeners', settings.listeners, endpoints)
  const names = endpoints.map(({ listenerName }) => listenerName)
  const advertised = parseEndpoints('advertised.listeners', settings.advertisedListeners ?? '')
  checkAdvertised(advertised, names)
  checkNames(settings, { names, controllerNames })
  const listeners = endpoints.map((endpoint): ListenerConfig => {
    const { listenerName } = endpoint
    const known = advertised.find((each) => each.listenerName === listenerName)
    return {
      ...endpoint,
      securityProtocol: protocolOf(listenerName, protocols),
      isController: controllerNames.includes(listenerName),
      advertised: known === undefined ? undefined : { host: known.host, port: known.port },
    }
  })
  const isAdvertised = (listener: ListenerConfig): boolean =>
    advertised.length === 0 || listener.advertised !== undefined
  const forClients = listeners.filter(
    (listener) => !listener.isController && isAdvertised(listener),
  )
  if (forClients.length === 0) {
    const key = listeners.some(({ isController }) => !isController)
      ? 'advertised.listeners'
      : 'listeners'
    const value = key === 'listeners' ? settings.listeners : (settings.advertisedListeners ?? '')
    throw invalidValue(key, value, 'at least one listener for clients')
  }
  checkInterBroker(settings, {
    protocols,
    advertised: forClients.map(({ listenerName }) => listenerName),
  })
  return listeners
}

function protocolsOf(
  settings: ListenerSettings,
  controllerNames: readonly string[],
): Map<string, string> {
  const protocols = parseProtocolMap('listener.security.protocol.map', settings.protocolMap)
  if (settings.isProtocolMapGiven) return protocols
  // As in Kafka, a file without the map may use any names for controller listeners.
  for (const name of controllerNames) if (!protocols.has(name)) protocols.set(name, 'PLAINTEXT')
  return protocols
}

function protocolOf(listenerName: string, protocols: ReadonlyMap<string, string>): string {
  const protocol = protocols.get(listenerName)
  if (protocol === undefined) {
    throw new ConfigError(
      'listeners',
      `Invalid value ${listenerName} for configuration listeners: listener.security.protocol.map has no security protocol for it`,
    )
  }
  return protocol
}

function checkAdvertised(advertised: readonly Endpoint[], names: readonly string[]): void {
  const key = 'advertised.listeners'
  for (const { listenerName, host } of advertised) {
    if (!names.includes(listenerName)) {
      throw invalidValue(key, listenerName, `names of listeners, ${names.join(', ')}`)
    }
    if (host === '0.0.0.0') {
      throw invalidValue(key, `${listenerName}://0.0.0.0`, 'an address that clients can reach')
    }
  }
}

function checkNames(
  settings: ListenerSettings,
  known: { readonly names: readonly string[]; readonly controllerNames: readonly string[] },
): void {
  const { names, controllerNames } = known
  // Unlike Kafka's, this controller needs no listener; a file that configures one must configure
  // all that it names.
  const missing = controllerNames.find((name) => !names.includes(name))
  if (missing !== undefined && controllerNames.some((name) => names.includes(name))) {
    throw invalidValue(
      'controller.listener.names',
      missing,
      `names of listeners, ${names.join(', ')}`,
    )
  }
  const early = splitList(settings.earlyStartListeners ?? '').map((name) => name.toUpperCase())
  const unknown = early.find((name) => !names.includes(name) && !controllerNames.includes(name))
  if (unknown !== undefined) {
    throw invalidValue('early.start.listeners', unknown, `names of listeners, ${names.join(', ')}`)
  }
}

function checkInterBroker(
  settings: ListenerSettings,
  known: {
    readonly protocols: ReadonlyMap<string, string>
    readonly advertised: readonly string[]
  },
): void {
  const { interBrokerListenerName, interBrokerProtocol } = settings
  const expected = `a listener that clients can use, ${known.advertised.join(', ')}`
  if (interBrokerListenerName === undefined) {
    const name = interBrokerProtocol ?? 'PLAINTEXT'
    if (known.advertised.includes(name)) return
    if (interBrokerProtocol !== undefined) {
      throw invalidValue('security.inter.broker.protocol', name, expected)
    }
    throw new ConfigError(
      'inter.broker.listener.name',
      `Missing configuration inter.broker.listener.name: expected ${expected}, since none is called PLAINTEXT`,
    )
  }
  if (interBrokerProtocol !== undefined) {
    throw invalidValue(
      'inter.broker.listener.name',
      interBrokerListenerName,
      'only one of inter.broker.listener.name and security.inter.broker.protocol',
    )
  }
  if (!known.advertised.includes(interBrokerListenerName.toUpperCase())) {
    throw invalidValue('inter.broker.listener.name', interBrokerListenerName, expected)
  }
}
