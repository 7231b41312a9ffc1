// SPDX-License-Identifier: Apache-2.0
import { PrincipalMapping } from '@millrace/base/keystore'
import type { BrokerConfig } from '../config/broker-config.ts'
import { ANONYMOUS, type Principal } from './client-session.ts'
import type { PlainAuthenticator } from './sasl/plain.ts'

/** Identity that a client has proved, for `principalBuilder`. */
export interface AuthenticationContext {
  /** IP address of the client. */
  readonly host: string
  /** Upper-case name of the listener. */
  readonly listenerName: string
  /** `PLAINTEXT`, `SSL`, `SASL_PLAINTEXT` or `SASL_SSL`. */
  readonly securityProtocol: string
  /** Set after a SASL authentication. */
  readonly sasl?: {
    /** SASL mechanism. */
    readonly mechanism: string
    /** Name of the user, or of the owner of a delegation token. */
    readonly name: string
    /** Whether a delegation token was used. */
    readonly isToken: boolean
    /** Claims of an OAuth token. */
    readonly claims?: Readonly<Record<string, unknown>>
  }
  /** Set if the client has a certificate that is trusted. */
  readonly tls?: {
    /** Subject, most specific part first, as Java writes it (RFC 2253). */
    readonly distinguishedName: string
    /** The certificate, DER. */
    readonly certificate: Buffer
  }
}

/** Returns the principal of a client, in place of Kafka's `principal.builder.class`. */
export type PrincipalBuilder = (context: AuthenticationContext) => {
  /** Default `User`. */
  readonly type?: string
  /** Name of the principal. */
  readonly name: string
}

/** Functions of an embedding program that take part in authentication. */
export interface AuthenticationHooks {
  readonly authenticate?: PlainAuthenticator | undefined
  readonly principalBuilder?: PrincipalBuilder | undefined
}

/** Converts a proved identity to its principal. */
export class PrincipalResolver {
  readonly #config: BrokerConfig
  readonly #builder: PrincipalBuilder | undefined
  readonly #mappings = new Map<string, PrincipalMapping>()

  constructor(config: BrokerConfig, builder: PrincipalBuilder | undefined) {
    this.#config = config
    this.#builder = builder
  }

  /** Throws `MILLRACE_NO_MATCHING_RULE`, and the errors of the principal builder. */
  principalOf(context: AuthenticationContext): Principal {
    const isTokenAuthenticated = context.sasl?.isToken ?? false
    if (this.#builder !== undefined) {
      const { type = 'User', name } = this.#builder(context)
      return { type, name, isTokenAuthenticated }
    }
    const { sasl, tls, listenerName } = context
    if (sasl !== undefined) return { type: 'User', name: sasl.name, isTokenAuthenticated }
    if (tls === undefined) return ANONYMOUS
    const name = this.#mappingOf(listenerName).nameOf(tls.distinguishedName)
    return { type: 'User', name, isTokenAuthenticated }
  }

  /** Throws `INVALID_CONFIG` for rules of a listener that cannot be read. */
  checkRules(listenerName: string): void {
    this.#mappingOf(listenerName)
  }

  #mappingOf(listenerName: string): PrincipalMapping {
    const rules = this.#config.listenerText(listenerName, 'ssl.principal.mapping.rules') ?? ''
    let mapping = this.#mappings.get(rules)
    if (mapping === undefined) {
      mapping = new PrincipalMapping(rules)
      this.#mappings.set(rules, mapping)
    }
    return mapping
  }
}
