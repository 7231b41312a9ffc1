// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Admin, type ClientOptions, Consumer, Producer, type SaslOptions } from '@millrace/client'
import { execute, java, type Output, peersDirectory } from './peers.ts'
import type { SecurityProtocol } from './secured-brokers.ts'

/** A client that connects to a listener, produces a record and consumes it. */
export interface Login {
  readonly name: string
  /** `localhost:port`. */
  readonly address: string
  readonly protocol: SecurityProtocol
  /** SASL mechanism; undefined for none. */
  readonly mechanism?: string
  readonly username?: string
  readonly password?: string
  /** Whether the user name and the password are those of a delegation token. */
  readonly isToken?: true
  /** URL that returns a JSON object with `token`, `expiresAtMs` and `subject`, for OAUTHBEARER. */
  readonly tokenUrl?: string
  /** Files with PEM. */
  readonly ca: string
  readonly certificate?: string
  readonly key?: string
  /** `key` and `certificate` in one file, as Java reads them. */
  readonly keystore?: string
  /** Whether the broker answers with an error of SASL. */
  readonly isAnswered: boolean
  /** Topic to which the client writes. */
  readonly topic: string
  /** Time for which it continues to produce and consume, milliseconds; 0 for one record. */
  readonly holdMs: number
}

/** `accepted` with the topics that the client sees, or a kind of error with its text. */
export interface LoginOutcome {
  readonly outcome: string
  readonly details: string
}

type Outcomes = ReadonlyMap<string, LoginOutcome>

export interface LoginClient {
  readonly name: string
  /** Whether it can say that a user name and a password are those of a delegation token. */
  readonly hasTokens: boolean
  /** Whether it presents a certificate that the broker's authorities have not issued. */
  readonly presentsAnyCertificate: boolean
  /** Runs all logins at the same time. */
  run(logins: readonly Login[]): Promise<Outcomes>
}

const venv = join(peersDirectory, 'venv/bin/python')
const python = join(import.meta.dirname, 'python')

export const loginClients: readonly LoginClient[] = [
  program('Java', { hasTokens: true }, (input) => java('kafka-4.4.0', ['Logins'], { input })),
  program('librdkafka', {}, (input) =>
    execute(venv, [join(python, 'confluent_logins.py')], { input }),
  ),
  program('kafka-python', { hasTokens: true, presentsAnyCertificate: true }, (input) =>
    execute(venv, [join(python, 'kafka_python_logins.py')], { input }),
  ),
  program('franz-go', { hasTokens: true }, (input) =>
    execute(join(peersDirectory, 'go/logins'), [], { input }),
  ),
  { name: 'millrace', hasTokens: true, presentsAnyCertificate: true, run: runOurs },
]

/** A program that reads logins as JSON and prints a line for each: name, outcome, details. */
function program(
  name: string,
  { hasTokens = false, presentsAnyCertificate = false }: Partial<LoginClient>,
  execute: (input: string) => Promise<Output>,
): LoginClient {
  return {
    name,
    hasTokens,
    presentsAnyCertificate,
    async run(logins) {
      const { code, stdout, stderr } = await execute(JSON.stringify(logins))
      if (code !== 0) throw new Error(`${name} ended with ${code}: ${stderr.slice(-2000)}`)
      const lines = stdout.trimEnd().split('\n')
      return new Map(
        lines.map((line) => {
          const [login = '', outcome = '', details = ''] = line.split('\t')
          return [login, { outcome: outcome.trim(), details }]
        }),
      )
    },
  }
}

async function runOurs(logins: readonly Login[]): Promise<Outcomes> {
  const outcomes = await Promise.all(
    logins.map(async (login): Promise<[string, LoginOutcome]> => {
      try {
        return [login.name, { outcome: await use(login), details: '' }]
      } catch (error) {
        const { code, message } = error as { readonly code?: string; readonly message: string }
        return [login.name, { outcome: code ?? 'error without a code', details: message }]
      }
    }),
  )
  return new Map(outcomes)
}

function optionsOf(login: Login): ClientOptions {
  const read = (file: string | undefined): { readonly pem?: Buffer } =>
    file === undefined ? {} : { pem: readFileSync(file) }
  const { pem: cert } = read(login.certificate)
  const { pem: key } = read(login.key)
  const pair = cert === undefined || key === undefined ? {} : { cert, key }
  return {
    bootstrapServers: login.address,
    ...(login.protocol.endsWith('SSL') ? { tls: { ca: readFileSync(login.ca), ...pair } } : {}),
    ...(login.mechanism === undefined ? {} : { sasl: saslOf(login, login.mechanism) }),
    requestTimeoutMs: 5000,
  }
}

function saslOf(login: Login, mechanism: string): SaslOptions {
  const { tokenUrl, username = '', password = '', isToken } = login
  if (mechanism === 'OAUTHBEARER') {
    const token = async (): Promise<{ readonly value: string }> => {
      const response = await fetch(tokenUrl ?? '')
      return { value: ((await response.json()) as { readonly token: string }).token }
    }
    return { mechanism, token }
  }
  if (mechanism !== 'PLAIN' && mechanism !== 'SCRAM-SHA-256' && mechanism !== 'SCRAM-SHA-512') {
    throw new Error(`unknown mechanism ${mechanism}`)
  }
  return { mechanism, username, password, ...(isToken === true ? { tokenAuth: true } : {}) }
}

async function use(login: Login): Promise<string> {
  const options = optionsOf(login)
  await using admin = new Admin({ ...options, defaultApiTimeoutMs: 5000 })
  const topics = (await admin.listTopics()).map((topic) => topic.name).sort()
  await using producer = new Producer({ ...options, deliveryTimeoutMs: 6000 })
  await using consumer = new Consumer({ ...options, enableAutoCommit: false })
  const value = `millrace ${login.name}`
  const end = Date.now() + login.holdMs
  for (;;) {
    const { offset } = await producer.send({ topic: login.topic, partition: 0, value })
    const partition = { topic: login.topic, partition: 0 }
    consumer.assign([partition])
    consumer.seek(partition, offset)
    if (!(await hasRecord(consumer, value))) return 'nothing consumed'
    if (Date.now() >= end) return `accepted ${topics.join(' ')}`
    await sleep(100)
  }
}

async function hasRecord(consumer: Consumer, value: string): Promise<boolean> {
  const deadline = Date.now() + 5000
  while (Date.now() < deadline) {
    const records = await consumer.poll(100)
    if (records.some((record) => String(record.value) === value)) return true
  }
  return false
}
