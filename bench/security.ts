// SPDX-License-Identifier: Apache-2.0
// What security costs, beside Apache Kafka 4.4.0: produce throughput over TLS 1.3, SCRAM logins
// per second, and start-up with an authorizer.
// `node --conditions=millrace-src bench/security.ts [ROUNDS]`
import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Admin } from '@millrace/client'
import * as p from '@millrace/protocol'
import { WireClient } from '@millrace/testkit'
import { java, preparePeers } from '../interop/peers.ts'
import {
  type BrokerName,
  brokerNames,
  type SecuredBroker,
  scramModule,
  startSecured,
} from '../interop/secured-brokers.ts'
import { median } from './measure.ts'

const rounds = Number(process.argv[2] ?? 3)
const LOGINS = 1000
/** Logins at the same time, of one client process. */
const LOGINS_AT_ONCE = 8
const RECORDS = 1_000_000

const directory = mkdtempSync(join(tmpdir(), 'bench-security-'))
const tls = join(import.meta.dirname, '../test/testdata/tls')
const keystore = join(directory, 'server.pem')
writeFileSync(
  keystore,
  ['server.key', 'server.pem'].map((name) => readFileSync(join(tls, name), 'utf8')).join(''),
)
const clientFile = join(directory, 'client.properties')
writeFileSync(
  clientFile,
  [
    'security.protocol=SSL',
    'ssl.truststore.type=PEM',
    `ssl.truststore.location=${join(tls, 'ca.pem')}`,
    'ssl.enabled.protocols=TLSv1.3',
    'acks=all',
    'linger.ms=5',
    'batch.size=65536',
  ].join('\n'),
)

const results = new Map<string, Record<BrokerName, number[]>>()

function note(measure: string, broker: BrokerName, value: number): void {
  const entry = results.get(measure) ?? { millrace: [], 'Apache Kafka 4.4.0': [] }
  entry[broker].push(value)
  results.set(measure, entry)
  process.stderr.write(`  ${broker} ${measure}: ${value.toFixed(1)}\n`)
}

const settings = [
  'inter.broker.listener.name=OPEN',
  'ssl.keystore.type=PEM',
  `ssl.keystore.location=${keystore}`,
  'ssl.enabled.protocols=TLSv1.3',
  'sasl.enabled.mechanisms=SCRAM-SHA-512',
  `listener.name.login.scram-sha-512.sasl.jaas.config=${scramModule} required;`,
]

function start(name: BrokerName): Promise<SecuredBroker> {
  return startSecured(name, {
    listeners: { OPEN: 'PLAINTEXT', SECURE: 'SSL', LOGIN: 'SASL_PLAINTEXT' },
    settings,
    credentials: ['SCRAM-SHA-512=[name=sam,iterations=4096,password=secret]'],
  })
}

async function produce(broker: SecuredBroker, size: number): Promise<number> {
  const topic = `records-${size}`
  await using admin = new Admin({ bootstrapServers: broker.address('OPEN') })
  await admin.createTopics([{ name: topic, numPartitions: 3 }]).catch(() => {})
  const { stdout, stderr } = await java('kafka-tools-4.3.1', [
    'org.apache.kafka.tools.ProducerPerformance',
    ...['--topic', topic, '--num-records', String(size === 100 ? RECORDS : RECORDS / 5)],
    ...['--record-size', String(size), '--throughput', '-1'],
    ...['--bootstrap-server', broker.address('SECURE'), '--command-config', clientFile],
  ])
  const rates = [...stdout.matchAll(/([\d.]+) records\/sec/g)].map(([, rate]) => Number(rate))
  const last = rates.at(-1)
  if (last === undefined) throw new Error(stdout + stderr)
  return last
}

const salted = new Map<string, Buffer>()

/** What a client may keep of its password: the broker is measured, not the client. */
function saltedPassword(salt: string, iterations: number): Buffer {
  const known = salted.get(salt)
  if (known !== undefined) return known
  const made = pbkdf2Sync('secret', Buffer.from(salt, 'base64'), iterations, 64, 'sha512')
  salted.set(salt, made)
  return made
}

const hmac = (key: Buffer, text: string): Buffer => createHmac('sha512', key).update(text).digest()

/** Logs in once (RFC 5802). */
async function login(address: string): Promise<void> {
  const wire = await WireClient.connect(address)
  try {
    const { SaslHandshakeRequest, SaslHandshakeResponse } = p
    const mechanism = 'SCRAM-SHA-512'
    await wire.request(SaslHandshakeRequest, SaslHandshakeResponse, { mechanism })
    const exchange = async (text: string): Promise<string> => {
      const { SaslAuthenticateRequest, SaslAuthenticateResponse } = p
      const reply = await wire.request(SaslAuthenticateRequest, SaslAuthenticateResponse, {
        authBytes: Buffer.from(text),
      })
      if (reply.errorCode !== 0) throw new Error(reply.errorMessage ?? String(reply.errorCode))
      return String(reply.authBytes)
    }
    const first = `n=sam,r=${randomBytes(18).toString('base64url')}`
    const challenge = await exchange(`n,,${first}`)
    const [, nonce = '', salt = '', iterations] = /^r=(.*),s=(.*),i=(\d+)$/.exec(challenge) ?? []
    const clientKey = hmac(saltedPassword(salt, Number(iterations)), 'Client Key')
    const storedKey = createHash('sha512').update(clientKey).digest()
    const signature = hmac(storedKey, `${first},${challenge},c=biws,r=${nonce}`)
    const proof = clientKey.map((byte, i) => byte ^ (signature[i] ?? 0))
    await exchange(`c=biws,r=${nonce},p=${Buffer.from(proof).toString('base64')}`)
  } finally {
    wire.close()
  }
}

async function loginsPerSecond(broker: SecuredBroker): Promise<number> {
  const address = broker.address('LOGIN').replace('localhost', '127.0.0.1')
  let left = LOGINS
  const began = performance.now()
  const worker = async (): Promise<void> => {
    while (left-- > 0) await login(address)
  }
  await Promise.all(Array.from({ length: LOGINS_AT_ONCE }, worker))
  return (LOGINS / (performance.now() - began)) * 1000
}

async function startupMs(hasAuthorizer: boolean): Promise<number> {
  const began = performance.now()
  const broker = await startSecured('millrace', {
    listeners: { OPEN: 'PLAINTEXT' },
    settings: [
      'inter.broker.listener.name=OPEN',
      ...(hasAuthorizer
        ? [
            'authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer',
            'super.users=User:ANONYMOUS',
          ]
        : []),
    ],
  })
  const took = performance.now() - began
  await broker.stop()
  return took
}

await preparePeers()
const startups = { without: [] as number[], with: [] as number[] }
for (let round = 0; round < rounds; round++) {
  for (const name of brokerNames) {
    await using broker = await start(name)
    await loginsPerSecond(broker)
    note('SCRAM-SHA-512 logins/s', name, await loginsPerSecond(broker))
    await produce(broker, 100)
    note('produce 100 B over TLS 1.3, records/s', name, await produce(broker, 100))
    note('produce 1000 B over TLS 1.3, records/s', name, await produce(broker, 1000))
  }
  for (let i = 0; i < 5; i++) {
    startups.without.push(await startupMs(false))
    startups.with.push(await startupMs(true))
  }
}

const show = (values: readonly number[]): string =>
  `${median(values).toFixed(0)} [${Math.min(...values).toFixed(0)} to ${Math.max(...values).toFixed(0)}]`
const lines = [...results].map(([measure, { millrace, 'Apache Kafka 4.4.0': kafka }]) => {
  const ratio = (median(millrace) / median(kafka)).toFixed(2)
  return `| ${measure} | ${show(kafka)} | ${show(millrace)} | ${ratio} |`
})
process.stdout.write(
  [
    '| measure | Kafka 4.4.0 | millrace | ratio |',
    '| --- | --- | --- | --- |',
    ...lines,
    `| start-up without authorizer, ms | - | ${show(startups.without)} | - |`,
    `| start-up with authorizer, ms | - | ${show(startups.with)} | - |`,
    '',
  ].join('\n'),
)
