// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, millraceArguments, readyAddresses } from '@millrace/testkit'
import {
  formatKafka,
  internalTopics,
  randomClusterId,
  runKafka,
  stopping,
  writeSettings,
} from './peers.ts'

/** Security of a listener, as in `listener.security.protocol.map`. */
export type SecurityProtocol = 'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL'

/** A broker with several listeners, each on its own port. */
export interface SecuredBroker extends AsyncDisposable {
  readonly name: BrokerName
  readonly directory: string
  /** `localhost:port` of a listener. */
  address(listener: string): string
  /** Stops it cleanly and waits until it has exited. */
  stop(): Promise<void>
}

/** Brokers that are compared. */
export const brokerNames = ['millrace', 'Apache Kafka 4.4.0'] as const
export type BrokerName = (typeof brokerNames)[number]

export interface SecuredOptions {
  /** Listeners by name. The controller's listener is added. */
  readonly listeners: Readonly<Record<string, SecurityProtocol>>
  /** Additional lines of server.properties; they override what is set here. */
  readonly settings: readonly string[]
  /** SCRAM users of a new directory, in the syntax of `--add-scram`. */
  readonly credentials?: readonly string[]
  /** Data directory. Default: a new one. */
  readonly directory?: string
  /** Whether the directory has been formatted already. Default false. */
  readonly isFormatted?: boolean
  /** Options of the Java virtual machine; only for Apache Kafka. */
  readonly jvmOptions?: readonly string[]
}

const LOGIN_MODULES = 'org.apache.kafka.common.security'
export const plainModule = `${LOGIN_MODULES}.plain.PlainLoginModule`
export const scramModule = `${LOGIN_MODULES}.scram.ScramLoginModule`

/**
 * A broker with an authorizer and one listener, SASL, with PLAIN, SCRAM and delegation tokens.
 * Users of PLAIN are `admin`, a super user, and those given; their passwords are `NAME-secret`.
 */
export function saslOptions(plainUsers: readonly string[]): SecuredOptions {
  const users = ['admin', ...plainUsers].map((name) => `user_${name}="${name}-secret"`).join(' ')
  const plain = `${plainModule} required username="admin" password="admin-secret" ${users};`
  return {
    listeners: { SASL: 'SASL_PLAINTEXT' },
    settings: [
      'listener.security.protocol.map=SASL:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT',
      'authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'super.users=User:admin',
      'delegation.token.secret.key=secret of the tokens',
      'inter.broker.listener.name=SASL',
      'sasl.mechanism.inter.broker.protocol=PLAIN',
      'sasl.mechanism.controller.protocol=PLAIN',
      'sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
      'listener.name.controller.sasl.enabled.mechanisms=PLAIN',
      `listener.name.controller.plain.sasl.jaas.config=${plain}`,
      `listener.name.sasl.plain.sasl.jaas.config=${plain}`,
      `listener.name.sasl.scram-sha-256.sasl.jaas.config=${scramModule} required;`,
      `listener.name.sasl.scram-sha-512.sasl.jaas.config=${scramModule} required;`,
    ],
  }
}

/** Starts millrace, as a user does, or Apache Kafka; both with the same server.properties. */
export async function startSecured(
  name: BrokerName,
  options: SecuredOptions,
): Promise<SecuredBroker> {
  const ports = new Map<string, number>()
  for (const listener of [...Object.keys(options.listeners), 'CONTROLLER']) {
    ports.set(listener, await freePort())
  }
  const address = (listener: string): string => `localhost:${ports.get(listener)}`
  const advertised = Object.keys(options.listeners)
    .map((listener) => `${listener}://${address(listener)}`)
    .join(',')
  const protocols = Object.entries({ CONTROLLER: 'PLAINTEXT', ...options.listeners })
  const directory = options.directory ?? mkdtempSync(join(tmpdir(), 'secured-'))
  const file = writeSettings([
    'process.roles=broker,controller',
    'node.id=1',
    `controller.quorum.voters=1@${address('CONTROLLER')}`,
    `listeners=${advertised},CONTROLLER://${address('CONTROLLER')}`,
    `advertised.listeners=${advertised}`,
    'controller.listener.names=CONTROLLER',
    `listener.security.protocol.map=${protocols.map((pair) => pair.join(':')).join(',')}`,
    `log.dirs=${directory}`,
    ...internalTopics(1),
    'group.initial.rebalance.delay.ms=0',
    ...options.settings,
  ])
  const credentials =
    options.isFormatted === true
      ? []
      : (options.credentials ?? []).flatMap((credential) => ['--add-scram', credential])
  const stop = await (name === 'millrace' ? runMillrace(file, credentials) : runApache())
  return { name, directory, address, stop, [Symbol.asyncDispose]: stop }

  async function runApache(): Promise<() => Promise<void>> {
    const peer = 'kafka-4.4.0'
    if (options.isFormatted !== true) {
      await formatKafka(peer, file, randomClusterId(), credentials)
    }
    return stopping(await runKafka(peer, file, ['-Xmx1G', ...(options.jvmOptions ?? [])]))
  }
}

async function runMillrace(
  file: string,
  credentials: readonly string[],
): Promise<() => Promise<void>> {
  const args = ['start', '--config', file, '--amqp', 'none', '--log-level', 'error']
  const child = spawn(process.execPath, millraceArguments(...args, ...credentials))
  const stop = stopping(child)
  await readyAddresses(child)
  return stop
}

/** Apache Kafka with a listener of each security protocol, each named like its protocol. */
export type SecuredKafka = SecuredBroker

/**
 * `settings`: for the listeners SSL, SASL_PLAINTEXT and SASL_SSL. `credentials`: SCRAM users in the
 * syntax of `--add-scram`.
 */
export function startSecuredKafka(options: {
  readonly settings: readonly string[]
  readonly credentials: readonly string[]
  /** Without the listeners that need a certificate. */
  readonly isPlainOnly?: boolean
}): Promise<SecuredKafka> {
  const plain = { PLAINTEXT: 'PLAINTEXT', SASL_PLAINTEXT: 'SASL_PLAINTEXT' } as const
  const listeners =
    options.isPlainOnly === true ? plain : ({ ...plain, SSL: 'SSL', SASL_SSL: 'SASL_SSL' } as const)
  return startSecured('Apache Kafka 4.4.0', { ...options, listeners })
}
