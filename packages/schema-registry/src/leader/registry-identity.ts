// SPDX-License-Identifier: Apache-2.0
import { hostname } from 'node:os'
import { MillraceError } from '@millrace/base'

/** Address of a registry, as it is exchanged in the group of registries. */
export interface RegistryIdentity {
  /** How the other registries reach this one. */
  readonly scheme: 'http' | 'https'
  /** Host name or address. */
  readonly host: string
  /** Port. */
  readonly port: number
  /** Whether it may be the one that writes. */
  readonly isEligible: boolean
}

/** Longest metadata of a member that is parsed. */
const MAX_BYTES = 16 * 1024

/** An identity whose host is this machine's name instead of an address for all interfaces. */
export function identityFor(identity: RegistryIdentity): RegistryIdentity {
  const isWildcard = ['', '0.0.0.0', '::'].includes(identity.host)
  return isWildcard ? { ...identity, host: hostname() } : identity
}

/** `scheme://host:port`. */
export function urlOf({ scheme, host, port }: RegistryIdentity): string {
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** The JSON form of an identity, with the names of Confluent's registries. */
export function identityJson({ scheme, host, port, isEligible }: RegistryIdentity): object {
  return { version: 1, host, port, master_eligibility: isEligible, scheme }
}

/** Metadata of a member of the group. */
export function encodeIdentity(identity: RegistryIdentity): Buffer {
  return Buffer.from(JSON.stringify(identityJson(identity)))
}

/** Reads the metadata of a member. Throws `MILLRACE_INVALID_MEMBER`. */
export function decodeIdentity(bytes: Buffer): RegistryIdentity {
  return identityOf(parse(bytes))
}

/** Parses JSON of another registry. Throws `MILLRACE_INVALID_MEMBER`. */
export function parse(bytes: Buffer): unknown {
  if (bytes.length > MAX_BYTES) throw invalid(`${bytes.length} bytes`)
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch (error) {
    throw invalid('not JSON', error)
  }
}

/** Checks the JSON form of an identity. Throws `MILLRACE_INVALID_MEMBER`. */
export function identityOf(value: unknown): RegistryIdentity {
  const {
    host,
    port,
    master_eligibility,
    scheme = 'http',
  } = (value ?? {}) as Record<string, unknown>
  const isAddress =
    typeof host === 'string' &&
    /^[\w.:-]+$/.test(host) &&
    typeof port === 'number' &&
    Number.isInteger(port) &&
    port > 0 &&
    port < 65_536
  if (!isAddress || (scheme !== 'http' && scheme !== 'https')) {
    throw invalid('an identity without scheme, host and port')
  }
  return { scheme, host, port, isEligible: master_eligibility === true }
}

function invalid(found: string, cause?: unknown): MillraceError {
  const message = `the metadata of a member of the group of registries is ${found}`
  return new MillraceError('MILLRACE_INVALID_MEMBER', message, { cause })
}
