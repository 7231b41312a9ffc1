// SPDX-License-Identifier: Apache-2.0
import { ConfigError, splitList } from './config-definition.ts'

export interface Endpoint {
  readonly listenerName: string
  /** Empty for every interface. */
  readonly host: string
  readonly port: number
}

/** Parses `NAME://host:port,…`; an IPv6 host stands in brackets. */
export function parseEndpoints(key: string, value: string): Endpoint[] {
  const endpoints = splitList(value).map((text) => {
    const match = /^([^:/]+):\/\/(?:\[([^\]]*)\]|([^:]*)):(-?\d+)$/.exec(text)
    if (match === null) {
      throw new ConfigError(
        key,
        `Invalid value ${text} for configuration ${key}: allowed is a list of NAME://host:port`,
      )
    }
    const port = Number(match[4])
    if (port < 0 || port > 65535) {
      throw new ConfigError(
        key,
        `Invalid value ${text} for configuration ${key}: the port must be from 0 to 65535`,
      )
    }
    return {
      listenerName: (match[1] as string).toUpperCase(),
      host: match[2] ?? match[3] ?? '',
      port,
    }
  })
  const names = new Set<string>()
  for (const { listenerName } of endpoints) {
    if (names.has(listenerName)) {
      throw new ConfigError(
        key,
        `Invalid value ${value} for configuration ${key}: each listener must have a different name, ${listenerName} is there twice`,
      )
    }
    names.add(listenerName)
  }
  return endpoints
}

/** Parses `listener.security.protocol.map`: `NAME:PROTOCOL,…`. */
export function parseProtocolMap(key: string, value: string): Map<string, string> {
  return new Map(
    splitList(value).map((entry) => {
      const [name, protocol, ...rest] = entry.split(':')
      if (name === undefined || protocol === undefined || rest.length > 0) {
        throw new ConfigError(
          key,
          `Invalid value ${entry} for configuration ${key}: allowed is a list of NAME:PROTOCOL`,
        )
      }
      return [name.trim().toUpperCase(), protocol.trim().toUpperCase()]
    }),
  )
}
