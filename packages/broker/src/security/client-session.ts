// SPDX-License-Identifier: Apache-2.0
import type { Subject } from '@millrace/protocol'
import { hostText } from '@millrace/protocol'

/** An identity, as `KafkaPrincipal`. */
export interface Principal {
  /** `User`, unless a principal builder returns another type. */
  readonly type: string
  readonly name: string
  /** Whether the client logged in with a delegation token (KIP-48). */
  readonly isTokenAuthenticated: boolean
}

/** Principal of clients that did not authenticate. */
export const ANONYMOUS: Principal = {
  type: 'User',
  name: 'ANONYMOUS',
  isTokenAuthenticated: false,
}

/**
 * Principal of connections from this process to its own broker, such as the JMS provider's. No
 * client can have it, since clients are of another type. It is a super user.
 */
export const INTERNAL: Principal = {
  type: 'Internal',
  name: 'millrace',
  isTokenAuthenticated: false,
}

/** Identity of a connection at the time of a request: the input of every authorization. */
export interface ClientSession extends Subject {
  readonly identity: Principal
  /** Upper-case name of the listener. */
  readonly listenerName: string
  /** `PLAINTEXT`, `SSL`, `SASL_PLAINTEXT` or `SASL_SSL`. */
  readonly securityProtocol: string
}

/** `Type:name`, as in ACLs and logs. */
export function principalText({ type, name }: Principal): string {
  return `${type}:${name}`
}

/** A session of `identity`. */
export function clientSession(options: {
  readonly identity: Principal
  /** IP address of the client. */
  readonly host: string
  readonly listenerName: string
  readonly securityProtocol: string
}): ClientSession {
  return { ...options, host: hostText(options.host), principal: principalText(options.identity) }
}
