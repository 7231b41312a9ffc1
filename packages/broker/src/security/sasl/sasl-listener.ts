// SPDX-License-Identifier: Apache-2.0
import type { Random } from '@millrace/base'
import type { BrokerConfig } from '../../config/broker-config.ts'
import { ConfigError } from '../../config/config-definition.ts'
import { type SaslMechanismConfig, saslConfigOf } from '../../config/sasl-config.ts'
import { type PlainAuthenticator, passwordTable, plainMechanism } from './plain.ts'
import type { SaslMechanism } from './sasl-mechanism.ts'
import { type ScramCredentials, scramMechanism } from './scram.ts'

/** What the mechanisms of a listener need from the broker. */
export interface SaslContext {
  readonly config: BrokerConfig
  readonly random: Random
  readonly credentials: ScramCredentials
  /** Decides on logins with PLAIN, beside the users of the configuration. */
  readonly authenticate: PlainAuthenticator | undefined
  /** OAUTHBEARER for a listener; loaded on first use. */
  readonly oauth: (listenerName: string) => SaslMechanism
}

interface EnabledMechanism {
  readonly mechanism: SaslMechanism
  readonly maxReauthMs: number
}

/** SASL on one listener: its mechanisms and limits. */
export class SaslListener {
  readonly #context: SaslContext
  readonly #listenerName: string
  #mechanisms: ReadonlyMap<string, EnabledMechanism> = new Map()
  #revision = -1

  /** Throws `ConfigError` if a mechanism lacks something. */
  constructor(context: SaslContext, listenerName: string) {
    this.#context = context
    this.#listenerName = listenerName
    this.#refresh()
  }

  /** Names of the mechanisms, as a handshake lists them. */
  get mechanismNames(): readonly string[] {
    this.#refresh()
    return [...this.#mechanisms.keys()]
  }

  /** An enabled mechanism. */
  mechanism(name: string): EnabledMechanism | undefined {
    this.#refresh()
    return this.#mechanisms.get(name)
  }

  /** Largest frame of a client that has not authenticated. */
  get maxFrameBytes(): number {
    return this.#context.config.listenerNumber(this.#listenerName, 'sasl.server.max.receive.size')
  }

  /** Delay of the reply to a failed authentication. */
  get failureDelayMs(): number {
    return this.#context.config.number('connection.failed.authentication.delay.ms')
  }

  /** Values of the configuration can change while the broker runs. */
  #refresh(): void {
    const { config } = this.#context
    if (config.revision === this.#revision) return
    this.#mechanisms = new Map(
      saslConfigOf(config, this.#listenerName).map((settings) => [
        settings.mechanism,
        { mechanism: this.#open(settings), maxReauthMs: settings.maxReauthMs },
      ]),
    )
    this.#revision = config.revision
  }

  #open({ mechanism, users }: SaslMechanismConfig): SaslMechanism {
    const { random, credentials, authenticate, oauth } = this.#context
    switch (mechanism) {
      case 'PLAIN':
        return plainMechanism(this.#plainAuthenticator(users, authenticate))
      case 'OAUTHBEARER':
        return oauth(this.#listenerName)
      default:
        return scramMechanism(mechanism, { random, credentials })
    }
  }

  #plainAuthenticator(
    users: ReadonlyMap<string, string> | undefined,
    hook: PlainAuthenticator | undefined,
  ): PlainAuthenticator {
    if (hook !== undefined) return hook
    if (users === undefined) {
      const key = `listener.name.${this.#listenerName.toLowerCase()}.plain.sasl.jaas.config`
      throw new ConfigError(
        key,
        `Missing configuration ${key}: expected org.apache.kafka.common.security.plain.PlainLoginModule required user_<name>="<password>"; with the users of PLAIN`,
      )
    }
    return passwordTable(users)
  }
}
