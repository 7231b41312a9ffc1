// SPDX-License-Identifier: Apache-2.0
// Every configuration key with valid and invalid values: Apache Kafka 4.4.0 and millrace give the
// same verdict.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { BrokerConfig, ownDefaults } from '@millrace/broker'
import * as p from '@millrace/protocol'
import { WireClient } from '@millrace/testkit'
import {
  type ConfigCase,
  fileCases,
  type KafkaKey,
  keyCases,
  Operation,
  otherCases,
  Resource,
  TOPIC,
  valuesOf,
} from './config-cases.ts'
import { java, type Peer, startKafka, startMillrace } from './peers.ts'

interface Exception {
  readonly why: string
  readonly matches: RegExp
}

/** Settings of a file on which the verdicts intentionally differ. */
const fileExceptions: readonly Exception[] = [
  {
    why: 'millrace has one authorizer, and loads no classes',
    matches: /^authorizer\.class\.name=(?!org\.apache\.kafka\.metadata\.)/,
  },
  {
    why: 'millrace has no tiered storage',
    matches: /^remote\.log\.storage\.system\.enable= ?true/i,
  },
  { why: 'a single node needs no voters', matches: /^controller\.quorum\.voters= ?$/ },
  {
    why: 'a single node needs no listener for its controller',
    matches: /^listeners=PLAINTEXT:\/\/[\d.]*:\d+$/,
  },
  { why: 'thousands of consumers may share a queue', matches: /^group\.share\.max\.size=1001$/ },
]

/** Changes on which the verdicts intentionally differ. */
const changeExceptions: readonly Exception[] = [
  {
    why: 'Kafka fails with a NullPointerException for an unknown operation, except for brokers',
    matches: /^incremental (2|16|32):.* 9 /,
  },
]

const operations = ['=', '-', '+', '~']

function shown({ api, type, name, configs }: ConfigCase): string {
  const changes = configs.map(
    (each) =>
      `${each.name} ${operations[each.operation] ?? each.operation} ${each.value?.slice(0, 60) ?? 'null'}`,
  )
  return `${api} ${type}:${name} ${changes.join('; ')}`
}

/** Counts verdicts and reports differences that are not exceptions. */
class Comparison {
  #same = 0
  readonly #excepted = new Map<string, number>()
  readonly #different: string[] = []
  readonly #exceptions: readonly Exception[]

  constructor(exceptions: readonly Exception[]) {
    this.#exceptions = exceptions
  }

  add(what: string, ours: string, theirs: string): void {
    if (ours === theirs) {
      this.#same++
      return
    }
    const exception = this.#exceptions.find(({ matches }) => matches.test(what))
    if (exception === undefined)
      this.#different.push(`${what}\n  Kafka: ${theirs}\n  ours: ${ours}`)
    else this.#excepted.set(exception.why, (this.#excepted.get(exception.why) ?? 0) + 1)
  }

  /** Prints the counts and asserts that there is no difference, and that every exception is one. */
  finish(report: (line: string) => void): void {
    report(`${this.#same} same, ${this.#different.length} different`)
    for (const [why, count] of this.#excepted) report(`${count} excepted: ${why}`)
    assert.equal(this.#different.length, 0, this.#different.slice(0, 20).join('\n'))
    const unused = this.#exceptions.filter(({ why }) => !this.#excepted.has(why))
    assert.deepEqual(unused, [], 'exceptions without a difference')
  }
}

async function kafkaKeys(): Promise<KafkaKey[]> {
  const { stdout } = await java('kafka-4.4.0', ['ConfigProbe', 'keys'])
  const decoded = (text: string): string => decodeURIComponent(text.replaceAll('+', ' '))
  return stdout
    .trim()
    .split('\n')
    .map((line) => {
      const [table = '', name = '', type = '', value = '', valid = '', internal, isNull] =
        line.split('\t')
      return {
        table,
        name,
        type,
        default: isNull === 'true' ? undefined : decoded(value),
        valid: decoded(valid),
        isInternal: internal === 'true',
      }
    })
}

describe('Apache Kafka 4.4.0 and millrace give the same verdict on', () => {
  let keys: KafkaKey[]
  let kafka: Peer
  let millrace: Peer

  before(async () => {
    keys = await kafkaKeys()
    kafka = await startKafka({
      quorum: 'dynamic',
      silentLoggers: [
        'kafka.server.ConfigAdminManager',
        'kafka.server.KafkaConfig',
        'kafka.server.DynamicBrokerConfig',
        'org.apache.kafka.common.config.AbstractConfig',
      ],
    })
    // With a controller listener, which Kafka requires.
    const listeners = 'listeners=PLAINTEXT://127.0.0.1:0,CONTROLLER://127.0.0.1:0'
    millrace = await startMillrace({ args: ['--set', listeners] })
    for (const { address } of [kafka, millrace]) {
      const client = await WireClient.connect(address)
      await client.request(p.CreateTopicsRequest, p.CreateTopicsResponse, {
        topics: [
          { name: TOPIC, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] },
        ],
        timeoutMs: 10_000,
      })
      client.close()
    }
  })
  after(async () => {
    await kafka?.stop()
    await millrace?.stop()
  })

  it('each key of a file', async (t) => {
    const cases = fileCases(keys)
    const encoded = cases.map(({ settings }) =>
      Object.entries(settings)
        .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
        .join('&'),
    )
    const input = `${encoded.join('\n')}\n`
    const { stdout } = await java('kafka-4.4.0', ['ConfigProbe', 'verdicts'], { input })
    const verdicts = stdout.trim().split('\n')
    assert.equal(verdicts.length, cases.length)
    const comparison = new Comparison(fileExceptions)
    cases.forEach(({ what, settings }, i) => {
      comparison.add(what, ownVerdict(settings), verdicts[i] === 'ok' ? 'ok' : 'refused')
    })
    comparison.finish((line) => t.diagnostic(line))
  })

  it('each key of a topic, a broker, a group and a metrics subscription', async (t) => {
    const cases = [...keyCases(keys), ...otherCases()]
    const [theirs, ours] = await Promise.all([
      verdicts(kafka.address, cases),
      verdicts(millrace.address, cases),
    ])
    const comparison = new Comparison(changeExceptions)
    cases.forEach((each, i) => {
      const [their, our] = [theirs[i] as Verdict, ours[i] as Verdict]
      comparison.add(shown(each), our.code, their.code)
      // The error must name the invalid key.
      if (our.code !== 'NONE' && /Invalid value/.test(their.message)) {
        const names = each.configs.map(({ name }) => name.replace(/^listener\.name\.\w+\./, ''))
        const isNamed = names.some((name) => our.message.includes(name))
        assert.ok(isNamed, `${shown(each)}: ${our.message}`)
      }
    })
    comparison.finish((line) => t.diagnostic(line))
  })

  it('valid changes, which are then described', async (t) => {
    const comparison = new Comparison([])
    const cases = madeChanges(keys)
    const [theirs, ours] = await Promise.all([
      makeChanges(kafka.address, cases),
      makeChanges(millrace.address, cases),
    ])
    for (const [i, each] of cases.entries()) {
      comparison.add(shown(each), ours[i] as string, theirs[i] as string)
    }
    comparison.finish((line) => t.diagnostic(line))
  })

  it('the description of each key', async (t) => {
    const comparison = new Comparison([])
    const [theirs, ours] = await Promise.all([
      descriptions(kafka.address),
      descriptions(millrace.address),
    ])
    for (const what of new Set([...theirs.keys(), ...ours.keys()])) {
      comparison.add(what, ours.get(what) ?? 'missing', theirs.get(what) ?? 'missing')
    }
    comparison.finish((line) => t.diagnostic(line))
  })
})

function ownVerdict(settings: Readonly<Record<string, string>>): string {
  try {
    new BrokerConfig(new Map(Object.entries(settings)))
    return 'ok'
  } catch {
    return 'refused'
  }
}

interface Verdict {
  readonly code: string
  readonly message: string
}

/** Validates each change without applying it, many at a time. */
async function verdicts(address: string, cases: readonly ConfigCase[]): Promise<Verdict[]> {
  const found: Verdict[] = []
  let next = 0
  const work = async (): Promise<void> => {
    let client = await WireClient.connect(address)
    for (let i = next++; i < cases.length; i = next++) {
      if (client.isClosed) client = await WireClient.connect(address)
      found[i] = await ask(client, cases[i] as ConfigCase, true)
    }
    client.close()
  }
  await Promise.all(Array.from({ length: 20 }, work))
  return found
}

async function ask(
  client: WireClient,
  change: ConfigCase,
  validateOnly: boolean,
): Promise<Verdict> {
  try {
    const { errorCode, errorMessage } = await request(client, change, validateOnly)
    return { code: p.errorName(errorCode), message: errorMessage ?? '' }
  } catch (error) {
    assert.match((error as Error).message, /connection was closed/)
    return { code: 'closed', message: '' }
  }
}

async function request(
  client: WireClient,
  { api, type, name, configs }: ConfigCase,
  validateOnly: boolean,
): Promise<{ readonly errorCode: number; readonly errorMessage: string | null }> {
  const values = configs.map((each) => ({ name: each.name, value: each.value }))
  if (api === 'create') {
    const topic = { numPartitions: 1, replicationFactor: 1, assignments: [], configs: values }
    const { topics } = await client.request(p.CreateTopicsRequest, p.CreateTopicsResponse, {
      topics: [{ name: 'created', ...topic }],
      validateOnly,
      timeoutMs: 10_000,
    })
    return topics[0] ?? assert.fail('no result')
  }
  const resource = { resourceType: type, resourceName: name }
  if (api === 'legacy') {
    const { responses } = await client.request(p.AlterConfigsRequest, p.AlterConfigsResponse, {
      validateOnly,
      resources: [{ ...resource, configs: values }],
    })
    return responses[0] ?? assert.fail('no result')
  }
  const changes = configs.map(({ operation, ...each }) => ({ ...each, configOperation: operation }))
  const { responses } = await client.request(
    p.IncrementalAlterConfigsRequest,
    p.IncrementalAlterConfigsResponse,
    { validateOnly, resources: [{ ...resource, configs: changes }] },
  )
  return responses[0] ?? assert.fail('no result')
}

/**
 * Values that would disconnect the tests from the broker, and one that Kafka accepts and never
 * describes.
 */
const NOT_MADE = /^max\.connection|^listener|^message\.max\.bytes|^config\.providers/

/** Two values of each key, set and removed again. */
function madeChanges(keys: readonly KafkaKey[]): ConfigCase[] {
  const names: Readonly<Record<string, readonly [number, string]>> = {
    topic: [Resource.topic, TOPIC],
    dynamic: [Resource.broker, '1'],
    group: [Resource.group, 'configured-group'],
    clientMetrics: [Resource.clientMetrics, 'configured-metrics'],
  }
  return keys
    .filter(({ table, name, isInternal }) => names[table] && !isInternal && !NOT_MADE.test(name))
    .flatMap((key) => {
      const [type, name] = names[key.table] ?? assert.fail()
      const values = [
        ...valuesOf(key)
          .filter((value) => value.trim() !== '')
          .slice(-1),
        'bogus',
      ]
      return [...new Set(values)].map((value): ConfigCase => {
        const configs = [{ name: key.name, operation: Operation.set, value }]
        return { api: 'incremental', type, name, configs }
      })
    })
}

/** Applies each change, describes the key, and reverts the change. */
async function makeChanges(address: string, cases: readonly ConfigCase[]): Promise<string[]> {
  const client = await WireClient.connect(address)
  const outcomes: string[] = []
  for (const change of cases) {
    const { code } = await ask(client, change, false)
    const key = change.configs[0]?.name ?? ''
    const isSet = (text: string): boolean => /source (1|2|7|8)$/.test(text)
    if (code !== 'NONE') {
      assert.ok(!isSet(await describeKey(client, change, key)), `${shown(change)} was rejected`)
      outcomes.push(code)
    } else {
      outcomes.push(await until(() => describeKey(client, change, key), isSet))
      const undo = [{ name: key, operation: Operation.delete, value: null }]
      assert.equal((await ask(client, { ...change, configs: undo }, false)).code, 'NONE')
      await until(
        () => describeKey(client, change, key),
        (text) => !isSet(text),
      )
    }
  }
  client.close()
  return outcomes
}

/**
 * Kafka applies decisions of its controller with a delay, and updates the value after its source.
 */
async function until(
  look: () => Promise<string>,
  isDone: (text: string) => boolean,
): Promise<string> {
  let last = ''
  for (let attempt = 0, stable = 0; ; attempt++) {
    const text = await look()
    stable = isDone(text) && text === last ? stable + 1 : 0
    if (stable === 3 || attempt === 200) return text
    last = text
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

async function describeKey(
  client: WireClient,
  { type, name }: ConfigCase,
  key: string,
): Promise<string> {
  const [entry] = await describeResource(client, [type, name], [key])
  return entry === undefined ? 'not described' : `${entry.value} source ${entry.configSource}`
}

async function describeResource(
  client: WireClient,
  [resourceType, resourceName]: readonly [number, string],
  configurationKeys: string[] | null,
) {
  const { results } = await client.request(p.DescribeConfigsRequest, p.DescribeConfigsResponse, {
    resources: [{ resourceType, resourceName, configurationKeys }],
    includeSynonyms: true,
  })
  return results[0]?.configs ?? []
}

/** Values set before the descriptions are compared. */
const described: readonly (readonly [number, string, Readonly<Record<string, string>>])[] = [
  [
    Resource.topic,
    TOPIC,
    {
      'retention.ms': '5000',
      'cleanup.policy': 'compact, delete',
      'min.cleanable.dirty.ratio': '1d',
      'compression.type': ' gzip ',
      'leader.replication.throttled.replicas': '*',
    },
  ],
  [
    Resource.broker,
    '1',
    {
      'log.retention.ms': '7000',
      'log.roll.ms': '100000',
      'log.cleaner.threads': '2',
      'leader.replication.throttled.rate': '5',
      'listener.name.plaintext.max.connections': '500',
      'listener.name.plaintext.ssl.key.password': 'secret',
      'max.connections': ' 700 ',
      'no.such.key': 'secret',
      'sasl.jaas.config': 'secret',
      'ssl.client.auth': 'none',
    },
  ],
  [
    Resource.broker,
    '',
    {
      'group.consumer.assignment.interval.ms': '500',
      'log.retention.ms': '8000',
      'no.such.other': 'secret',
      'num.io.threads': '9',
    },
  ],
  [
    Resource.group,
    'configured-group',
    { 'consumer.session.timeout.ms': '50000', 'share.auto.offset.reset': 'earliest' },
  ],
  [Resource.clientMetrics, 'configured-metrics', { metrics: 'a,b', 'interval.ms': '1000' }],
]

/** Keys that identify the broker, and defaults that differ from Kafka's. */
const OF_THE_PEER =
  /^(advertised\.listeners|broker\.id|node\.id|process\.roles|listeners|log\.dirs?|controller\.(quorum|listener)\..*)$/
/** Kafka describes the default of these even if a file sets another value. */
const SHOWN_WRONGLY = /^log\.retention\.(hours|minutes)$/

/** Every entry of the described resources as one line, by resource and key. */
async function descriptions(address: string): Promise<Map<string, string>> {
  const client = await WireClient.connect(address)
  const resources = [
    ...described,
    [Resource.group, 'unset', {}],
    [Resource.clientMetrics, 'unset', {}],
  ] as const
  for (const [type, name, values] of described) {
    const configs = Object.entries(values).map(([key, value]) => ({
      name: key,
      operation: Operation.set,
      value,
    }))
    assert.equal(
      (await ask(client, { api: 'incremental', type, name, configs }, false)).code,
      'NONE',
    )
    const [first = ''] = Object.keys(values)
    await until(
      () => describeKey(client, { api: 'incremental', type, name, configs }, first),
      (text) => /source (1|2|3|7|8)$/.test(text),
    )
  }
  const found = new Map<string, string>()
  for (const [type, name] of resources) {
    for (const entry of await describeResource(client, [type, name], null)) {
      const brokerKey = type === Resource.group ? `group.${entry.name}` : entry.name
      if (OF_THE_PEER.test(entry.name) || SHOWN_WRONGLY.test(entry.name)) continue
      if (brokerKey in ownDefaults) continue
      const synonyms = entry.synonyms.map((each) => `${each.name}=${each.value}@${each.source}`)
      found.set(
        `${type}:${name} ${entry.name}`,
        `${entry.value} source ${entry.configSource} type ${entry.configType}${entry.readOnly ? ' read-only' : ''}${entry.isSensitive ? ' sensitive' : ''} ${synonyms.join(' ')}`,
      )
    }
  }
  client.close()
  return found
}
