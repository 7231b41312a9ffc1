// SPDX-License-Identifier: Apache-2.0
// Valid and invalid values for every configuration key of Apache Kafka 4.4.0.

/** A key as defined by Kafka. */
export interface KafkaKey {
  readonly table: string
  readonly name: string
  readonly type: string
  readonly default: string | undefined
  /** Kafka's description of valid values: `[1,...,9] or -1`, `[compact, delete]`. */
  readonly valid: string
  readonly isInternal: boolean
}

/** One change of a resource's configuration, with one of the three APIs. */
export interface ConfigCase {
  readonly api: 'incremental' | 'legacy' | 'create'
  readonly type: number
  readonly name: string
  readonly configs: readonly ConfigEntry[]
}

export interface ConfigEntry {
  readonly name: string
  readonly operation: number
  readonly value: string | null
}

export const Resource = { topic: 2, broker: 4, logger: 8, clientMetrics: 16, group: 32 } as const
export const Operation = { set: 0, delete: 1, append: 2, subtract: 3 } as const

/** Existing topic of the cases. */
export const TOPIC = 'configured'

const typeBounds: Readonly<Record<string, readonly [min: bigint, max: bigint]>> = {
  short: [-(2n ** 15n), 2n ** 15n - 1n],
  int: [-(2n ** 31n), 2n ** 31n - 1n],
  long: [-(2n ** 63n), 2n ** 63n - 1n],
}

function numbersOf(key: KafkaKey): string[] {
  const [min, max] = typeBounds[key.type] ?? [0n, 0n]
  const limits = [...key.valid.matchAll(/-?\d+/g)].map(([digits]) => BigInt(digits))
  const around = [...limits, min, max].flatMap((limit) => [limit - 1n, limit, limit + 1n])
  const texts = ['bogus', '', ' ', '1.5', '0x10', '+5', ' 7 ', '1e3', '7L', '1_000', '-1', '0', '1']
  return [...texts, ...around.map(String), ...defaultOf(key)]
}

function defaultOf(key: KafkaKey): string[] {
  return key.default === undefined ? [] : [key.default]
}

function namesIn(valid: string): string[] {
  const match = /\[([A-Za-z_][\w, ]*)\]/.exec(valid)
  return match?.[1]?.split(', ') ?? []
}

function listsOf(key: KafkaKey): string[] {
  const [first = 'one', second = 'two', ...rest] = namesIn(key.valid)
  return [
    first,
    '',
    ' ',
    'bogus',
    `${first},${first}`,
    `${first},`,
    ',',
    `${first},,${second}`,
    `${first},${second}`,
    ` ${first} , ${second} `,
    first.toUpperCase(),
    [first, second, ...rest].join(','),
    ...defaultOf(key),
  ]
}

const throttledReplicas = ['*', '0:1', '0:1,1:2', 'x', '0', '0:', ':1', '0:x', '*,0:1', '-1:1']

/** Values that are valid only for their key. */
const ownValues: Readonly<Record<string, readonly string[]>> = {
  'advertised.listeners': ['PLAINTEXT://127.0.0.1:9092', 'PLAINTEXT://0.0.0.0:9092'],
  'cordoned.log.dirs': ['*', '*,/nowhere', '/nowhere'],
  'errors.deadletterqueue.topic.name': [
    'dlq.orders',
    'orders',
    '__orders',
    'a b',
    '..',
    'x'.repeat(250),
  ],
  'follower.replication.throttled.replicas': throttledReplicas,
  'leader.replication.throttled.replicas': throttledReplicas,
  'listener.security.protocol.map': [
    'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,OTHER:PLAINTEXT',
    'PLAINTEXT:SSL,CONTROLLER:PLAINTEXT',
    'OTHER:PLAINTEXT',
    'PLAINTEXT:BOGUS',
    'PLAINTEXT',
    'PLAINTEXT:PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
  ],
  listeners: [
    'PLAINTEXT://127.0.0.1:19092',
    'PLAINTEXT://127.0.0.1:19092,CONTROLLER://127.0.0.1:19093,OTHER://127.0.0.1:19094',
    'OTHER://127.0.0.1:19092',
    'PLAINTEXT:19092',
    'PLAINTEXT://127.0.0.1:99999',
    'PLAINTEXT://127.0.0.1:-1',
  ],
  match: [
    'client_id=x',
    'client_id=.*,client_software_name=a|b',
    'client_id',
    'client_id=',
    '=x',
    'bogus=x',
    'client_id=[',
    'client_id=x,client_id=y',
    'client_id=x=y',
    ' client_id = x ',
    'client_source_port=1,client_source_address=127.*,client_instance_id=a,client_software_version=1',
  ],
  'max.connections.per.ip.overrides': [
    '127.0.0.1:5',
    'localhost:5,127.0.0.1:7',
    'abc',
    '127.0.0.1',
    '127.0.0.1:x',
    '127.0.0.1:-1',
    '127.0.0.1:5,127.0.0.1:6',
    ':5',
    '[::1]:5',
    '::1:5',
    ',',
    '127.0.0.1:99999999999',
  ],
  metrics: ['*', 'org.apache.kafka.', 'a,b'],
  'metric.reporters': ['org.apache.kafka.common.metrics.JmxReporter'],
  'share.auto.offset.reset': [
    'latest',
    'earliest',
    'LATEST',
    'none',
    'by_duration',
    'by_duration:',
    'by_duration:PT1H',
    'by_duration:P1D',
    'by_duration:PT0S',
    'by_duration:-PT1H',
    'by_duration:PT-1H',
    'by_duration:pt1h',
    'by_duration:1h',
    'BY_DURATION:PT1H',
    'by_duration:P1DT2H3M4.5S',
    'by_duration:P1Y',
    'by_duration: PT1H',
  ],
  'streams.assignor.name': ['sticky', 'STICKY', 'range', 'highly_available'],
  'group.consumer.assignors': ['uniform', 'range', 'range,uniform', 'simple'],
  'group.share.assignors': ['simple', 'simple,other', 'uniform'],
  'group.streams.assignors': ['sticky', 'sticky,other'],
  'group.consumer.migration.policy': ['Bidirectional', 'upgrade', 'DOWNGRADE'],
  'controller.quorum.voters': [
    '1@127.0.0.1:9093',
    '2@127.0.0.1:9093',
    '1@127.0.0.1',
    'x@127.0.0.1:9093',
    '1@127.0.0.1:x',
  ],
  'controller.quorum.bootstrap.servers': ['127.0.0.1:9093', '127.0.0.1', '127.0.0.1:x', 'a:1,b:2'],
  'controller.listener.names': ['CONTROLLER', 'PLAINTEXT', 'CONTROLLER,OTHER'],
  'inter.broker.listener.name': ['PLAINTEXT', 'CONTROLLER', 'OTHER', 'plaintext'],
  'process.roles': [
    'broker,controller',
    'controller,broker',
    'broker',
    'controller',
    'Broker,Controller',
  ],
  'log.dirs': ['/tmp/a', '/tmp/a,/tmp/b', '/tmp/a,/tmp/a'],
  'early.start.listeners': ['PLAINTEXT', 'CONTROLLER', 'OTHER'],
  'node.id': ['2'],
  'broker.id': ['1', '2'],
  'ssl.principal.mapping.rules': [
    'DEFAULT',
    'RULE:^CN=(.*?),.*$/$1/',
    'RULE:x',
    'RULE:^CN=(.*?)/$1/L,DEFAULT',
  ],
}

/** Values for a key: of its type, at its limits, and of other types. */
export function valuesOf(key: KafkaKey): string[] {
  const own = ownValues[key.name] ?? []
  return [...new Set([...valuesOfType(key), ...own])]
}

function valuesOfType(key: KafkaKey): string[] {
  switch (key.type) {
    case 'boolean':
      return ['true', 'false', 'TRUE', ' true ', 'yes', '1', '', ' ', 'bogus']
    case 'short':
    case 'int':
    case 'long':
      return numbersOf(key)
    case 'double': {
      const texts = [
        '0',
        '-0.1',
        '0.5',
        '1',
        '1.1',
        '-1',
        '1e3',
        '.5',
        '5.',
        '1d',
        '1f',
        '0x1p3',
        ' 0.5 ',
      ]
      return [
        ...texts,
        'NaN',
        'Infinity',
        '-Infinity',
        '+0.5',
        '1,5',
        '',
        ' ',
        'bogus',
        ...defaultOf(key),
      ]
    }
    case 'list':
      return listsOf(key)
    case 'class':
      return ['no.such.Class', ...defaultOf(key)]
    case 'password':
      return ['secret', '', ' ']
    default: {
      const names = namesIn(key.valid)
      const changed = names.flatMap((name) => [
        name,
        name.toUpperCase(),
        name.toLowerCase(),
        ` ${name} `,
      ])
      return ['bogus', '', ' ', ' bogus ', 'one,two', ...changed, ...defaultOf(key)]
    }
  }
}

type Target = readonly [type: number, name: string]

const targets: Readonly<Record<string, readonly Target[]>> = {
  topic: [[Resource.topic, TOPIC]],
  dynamic: [
    [Resource.broker, '1'],
    [Resource.broker, ''],
  ],
  group: [[Resource.group, 'configured-group']],
  clientMetrics: [[Resource.clientMetrics, 'configured-metrics']],
}

function single(target: Target, name: string, operation: number, value: string | null): ConfigCase {
  return {
    api: 'incremental',
    type: target[0],
    name: target[1],
    configs: [{ name, operation, value }],
  }
}

/**
 * Every key of the dynamic tables: set to every value, with the other operations, and with the
 * other APIs.
 */
export function keyCases(keys: readonly KafkaKey[]): ConfigCase[] {
  const dynamic = new Set(keys.filter(({ table }) => table === 'dynamic').map(({ name }) => name))
  const readOnly = keys.filter(({ table, name }) => table === 'static' && !dynamic.has(name))
  return [
    ...keys.flatMap((key) => (targets[key.table] ?? []).flatMap((target) => casesOf(key, target))),
    ...keys
      .filter(({ table, name }) => table === 'dynamic' && isOfListeners(name))
      .flatMap((key) =>
        valuesOf(key).flatMap((value) => [
          single(
            [Resource.broker, '1'],
            `listener.name.plaintext.${key.name}`,
            Operation.set,
            value,
          ),
        ]),
      ),
    ...readOnly.flatMap((key) =>
      ['1', ''].flatMap((name) => [
        single([Resource.broker, name], key.name, Operation.set, key.default ?? '1'),
        single([Resource.broker, name], key.name, Operation.delete, null),
      ]),
    ),
  ]
}

function isOfListeners(name: string): boolean {
  return /^(ssl|sasl|principal|max\.connection|num\.network)/.test(name)
}

function casesOf(key: KafkaKey, target: Target): ConfigCase[] {
  const values = valuesOf(key)
  const [first = 'one', second = 'two'] = namesIn(key.valid)
  const parts = [
    first,
    second,
    'bogus',
    '',
    ',',
    `${first},${second}`,
    `${first},${first}`,
    ` ${first}`,
  ]
  const sets = values.map((value) => single(target, key.name, Operation.set, value))
  return [
    ...sets,
    // Only some of the broker keys: Kafka checks them slowly, and equally for both APIs.
    ...sets
      .filter((_each, i) => target[0] !== Resource.broker || i % 4 === 0)
      .map((each): ConfigCase => ({ ...each, api: 'legacy' })),
    ...(key.table === 'topic' ? sets.map((each): ConfigCase => ({ ...each, api: 'create' })) : []),
    ...[Operation.append, Operation.subtract].flatMap((operation) =>
      (key.type === 'list' ? parts : ['1']).map((part) =>
        single(target, key.name, operation, part),
      ),
    ),
    ...[Operation.set, Operation.append, Operation.subtract, Operation.delete].map((operation) =>
      single(target, key.name, operation, null),
    ),
    { ...single(target, key.name, Operation.set, null), api: 'legacy' },
    single(target, key.name, Operation.delete, 'x'),
    single(target, key.name, 9, values[0] ?? ''),
  ]
}

function changes(
  api: ConfigCase['api'],
  [type, name]: Target,
  configs: Readonly<Record<string, string>>,
): ConfigCase {
  const entries = Object.entries(configs)
  return {
    api,
    type,
    name,
    configs: entries.map(([key, value]) => ({ name: key, operation: Operation.set, value })),
  }
}

/** Cases of whole resources, and of keys that limit each other. */
export function otherCases(): ConfigCase[] {
  const topic: Target = [Resource.topic, TOPIC]
  const broker: Target = [Resource.broker, '1']
  const group: Target = [Resource.group, 'configured-group']
  const metrics: Target = [Resource.clientMetrics, 'configured-metrics']
  const each = (target: Target, configs: Readonly<Record<string, string>>): ConfigCase[] => [
    changes('incremental', target, configs),
    changes('legacy', target, configs),
  ]
  const resources: readonly Target[] = [
    [Resource.topic, 'missing'],
    [Resource.topic, ''],
    [Resource.topic, 'a b'],
    [Resource.topic, '..'],
    [Resource.broker, '2'],
    [Resource.broker, '-1'],
    [Resource.broker, 'abc'],
    [Resource.broker, '01'],
    [Resource.broker, ' 1'],
    [Resource.group, ''],
    [Resource.clientMetrics, ''],
    [0, 'x'],
    [1, 'x'],
    [77, 'x'],
  ]
  const anyKeys: Readonly<Record<number, string>> = {
    [Resource.topic]: 'retention.ms',
    [Resource.broker]: 'log.retention.ms',
    [Resource.group]: 'consumer.session.timeout.ms',
    [Resource.clientMetrics]: 'interval.ms',
  }
  const unknown: readonly Target[] = [topic, broker, [Resource.broker, ''], group, metrics]
  return [
    ...resources.flatMap((target) => [
      ...each(target, { [anyKeys[target[0]] ?? 'key']: '50000' }),
      ...each(target, { [anyKeys[target[0]] ?? 'key']: 'bogus' }),
      ...each(target, {}),
    ]),
    ...unknown.flatMap((target) => [
      ...each(target, { 'no.such.key': '1' }),
      ...each(target, { 'no.such.key': '' }),
      ...each(target, { '': '1' }),
      ...each(target, {}),
      single(target, 'no.such.key', Operation.delete, null),
      single(target, 'no.such.key', Operation.append, 'x'),
      single(target, 'no.such.key', Operation.subtract, 'x'),
      single(target, 'no.such.key', Operation.set, null),
      { ...single(target, 'no.such.key', Operation.set, 'x'.repeat(40_000)) },
    ]),
    // Limits between topic keys.
    ...each(topic, { 'min.compaction.lag.ms': '10', 'max.compaction.lag.ms': '9' }),
    ...each(topic, { 'min.compaction.lag.ms': '10', 'max.compaction.lag.ms': '10' }),
    ...each(topic, { 'remote.storage.enable': 'true', 'cleanup.policy': 'compact' }),
    ...each(topic, { 'remote.log.copy.disable': 'true', 'local.retention.ms': '5' }),
    ...each(topic, { 'remote.log.delete.on.disable': 'true' }),
    ...each(topic, { 'local.retention.ms': '10', 'retention.ms': '9' }),
    ...each(topic, { 'segment.ms': '10', 'segment.jitter.ms': '20' }),
    changes('create', topic, { 'min.compaction.lag.ms': '10', 'max.compaction.lag.ms': '9' }),
    changes('create', topic, { 'remote.storage.enable': 'true' }),
    changes('create', topic, { 'no.such.key': '1' }),
    changes('create', topic, { '': '1' }),
    // Limits between group keys.
    ...['consumer', 'share', 'streams'].flatMap((kind) => [
      ...each(group, {
        [`${kind}.session.timeout.ms`]: '45000',
        [`${kind}.heartbeat.interval.ms`]: '15000',
      }),
      ...each(group, {
        [`${kind}.session.timeout.ms`]: '5000',
        [`${kind}.heartbeat.interval.ms`]: '5000',
      }),
      ...each(group, { [`${kind}.session.timeout.ms`]: '44999' }),
      ...each(group, { [`${kind}.session.timeout.ms`]: '60001' }),
      ...each(group, { [`${kind}.heartbeat.interval.ms`]: '4999' }),
      ...each(group, { [`${kind}.heartbeat.interval.ms`]: '15001' }),
      ...each(group, { [`${kind}.assignment.interval.ms`]: '15001' }),
    ]),
    ...each(group, { 'share.record.lock.duration.ms': '14999' }),
    ...each(group, { 'share.record.lock.duration.ms': '60001' }),
    ...each(group, { 'share.delivery.count.limit': '11' }),
    ...each(group, { 'share.partition.max.record.locks': '4001' }),
    ...each(group, { 'streams.num.standby.replicas': '3' }),
    // Limits between broker keys.
    ...each(broker, {
      'log.cleaner.min.compaction.lag.ms': '10',
      'log.cleaner.max.compaction.lag.ms': '9',
    }),
    ...each(broker, { 'log.local.retention.ms': '10', 'log.retention.ms': '9' }),
    ...each(broker, { 'log.local.retention.ms': '10', 'log.retention.ms': '-1' }),
    ...each(broker, { 'log.local.retention.ms': '-1', 'log.retention.ms': '9' }),
    ...each(broker, { 'log.local.retention.bytes': '10', 'log.retention.bytes': '9' }),
    ...each(broker, { 'log.local.retention.bytes': '-1', 'log.retention.bytes': '9' }),
    ...each(broker, { 'log.remote.copy.lag.ms': '10', 'log.retention.ms': '9' }),
    ...each(broker, { 'log.remote.copy.lag.bytes': '10', 'log.retention.bytes': '9' }),
    ...each(broker, { 'log.retention.ms': '-2' }),
    ...each(broker, { 'log.cleaner.threads': '2', 'log.cleaner.dedupe.buffer.size': '2097152' }),
    ...each(broker, { 'log.cleaner.threads': '2', 'log.cleaner.dedupe.buffer.size': '2097154' }),
    ...each(broker, { 'max.connections.per.ip': '0' }),
    ...each(broker, {
      'max.connections.per.ip': '0',
      'max.connections.per.ip.overrides': '127.0.0.1:5',
    }),
    ...each(broker, { 'config.providers': 'file', 'config.providers.file.class': 'no.such.Class' }),
    ...each(broker, { 'listener.name.plaintext.bogus': '1' }),
    ...each(broker, { 'listener.name.other.max.connections': '5' }),
    ...each(broker, { 'listener.name.plaintext.connections.max.idle.ms': '5' }),
    ...each(broker, { 'listener.name.plaintext.scram-sha-256.sasl.jaas.config': 'x' }),
    ...each([Resource.broker, ''], { 'listener.name.plaintext.max.connections': '5' }),
    ...each([Resource.broker, ''], { 'listener.name.plaintext.ssl.keystore.type': 'JKS' }),
    // Several keys, one of them invalid: none is changed.
    ...each(topic, { 'retention.ms': '1', 'segment.ms': 'bogus' }),
    ...each(group, { 'consumer.session.timeout.ms': '50000', 'share.isolation.level': 'bogus' }),
    {
      api: 'incremental',
      type: Resource.topic,
      name: TOPIC,
      configs: [
        { name: 'retention.ms', operation: Operation.set, value: '1' },
        { name: 'retention.ms', operation: Operation.set, value: '2' },
      ],
    },
    {
      api: 'legacy',
      type: Resource.topic,
      name: TOPIC,
      configs: [
        { name: 'retention.ms', operation: Operation.set, value: '1' },
        { name: 'retention.ms', operation: Operation.set, value: '2' },
      ],
    },
  ]
}

/** Settings of one file: a modification of a valid one. */
export interface FileCase {
  readonly what: string
  readonly settings: Readonly<Record<string, string>>
}

const base: Readonly<Record<string, string>> = {
  'node.id': '1',
  'process.roles': 'broker,controller',
  'controller.listener.names': 'CONTROLLER',
  'controller.quorum.voters': '1@127.0.0.1:9093',
  listeners: 'PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093',
  'log.dirs': '/tmp/a',
}

/** Every key of server.properties with every value, and keys that limit each other. */
export function fileCases(keys: readonly KafkaKey[]): FileCase[] {
  const change = (settings: Readonly<Record<string, string>>): FileCase => ({
    what: Object.entries(settings)
      .map(([name, value]) => `${name}=${value}`)
      .join(' '),
    settings: { ...base, ...settings },
  })
  return [
    change({}),
    ...keys
      .filter(({ table }) => table === 'static')
      .flatMap((key) => valuesOf(key).map((value) => change({ [key.name]: value }))),
    ...fileCombinations.map(change),
  ]
}

const fileCombinations: readonly Readonly<Record<string, string>>[] = [
  { 'no.such.key': 'x' },
  { 'log.retention.ms': '0' },
  { 'log.retention.minutes': '0' },
  { 'log.retention.hours': '0' },
  { 'log.retention.hours': '-1' },
  { 'log.retention.ms': '5', 'log.retention.hours': '0' },
  { 'log.roll.ms': '0' },
  { 'log.roll.jitter.ms': '-1' },
  { 'log.cleaner.threads': '3', 'log.cleaner.dedupe.buffer.size': '3145728' },
  { 'log.cleaner.threads': '3', 'log.cleaner.dedupe.buffer.size': '3145731' },
  { 'replica.fetch.wait.max.ms': '30001' },
  { 'replica.fetch.wait.max.ms': '500', 'replica.lag.time.max.ms': '499' },
  { 'max.connections.per.ip': '0' },
  { 'max.connections.per.ip': '0', 'max.connections.per.ip.overrides': '127.0.0.1:5' },
  { 'queued.max.request.bytes': '104857599' },
  { 'queued.max.request.bytes': '104857600' },
  { 'connections.max.idle.ms': '100' },
  { 'connections.max.idle.ms': '101' },
  { 'connections.max.idle.ms': '-1' },
  { 'log.cleaner.min.compaction.lag.ms': '10', 'log.cleaner.max.compaction.lag.ms': '9' },
  { 'log.local.retention.ms': '10', 'log.retention.ms': '9' },
  ...['consumer', 'share', 'streams'].flatMap((kind) => [
    { [`group.${kind}.session.timeout.ms`]: '44999' },
    { [`group.${kind}.session.timeout.ms`]: '60001' },
    { [`group.${kind}.min.session.timeout.ms`]: '45001' },
    { [`group.${kind}.max.session.timeout.ms`]: '44999' },
    { [`group.${kind}.heartbeat.interval.ms`]: '4999' },
    { [`group.${kind}.heartbeat.interval.ms`]: '15001' },
    { [`group.${kind}.min.heartbeat.interval.ms`]: '5001' },
    { [`group.${kind}.max.heartbeat.interval.ms`]: '4999' },
    {
      [`group.${kind}.heartbeat.interval.ms`]: '45000',
      [`group.${kind}.max.heartbeat.interval.ms`]: '50000',
    },
    { [`group.${kind}.assignment.interval.ms`]: '15001' },
    { [`group.${kind}.max.assignment.interval.ms`]: '999' },
    { [`group.${kind}.min.assignment.interval.ms`]: '1001' },
    { [`group.${kind}.min.assignment.interval.ms`]: '20000' },
  ]),
  { 'group.share.max.delivery.count.limit': '5', 'group.share.delivery.count.limit': '6' },
  { 'group.share.min.delivery.count.limit': '4', 'group.share.delivery.count.limit': '3' },
  { 'group.share.partition.max.record.locks': '4001' },
  {
    'group.share.min.partition.max.record.locks': '2000',
    'group.share.partition.max.record.locks': '1999',
  },
  { 'group.share.record.lock.duration.ms': '14999' },
  { 'group.share.record.lock.duration.ms': '60001' },
  { 'group.share.max.share.sessions': '199' },
  { 'group.share.max.size': '1000', 'group.share.max.share.sessions': '1000' },
  { 'group.streams.num.standby.replicas': '3' },
  { 'group.streams.num.warmup.replicas': '21' },
  { 'group.streams.task.offset.interval.ms': '14999' },
  { 'inter.broker.listener.name': 'PLAINTEXT', 'security.inter.broker.protocol': 'PLAINTEXT' },
  { 'security.inter.broker.protocol': 'SSL' },
  { 'broker.id': '1' },
  { 'broker.id': '2' },
  { listeners: 'PLAINTEXT://:9092,CONTROLLER://:9093' },
  { listeners: 'PLAINTEXT://:9092,CONTROLLER://:9092' },
  { listeners: 'PLAINTEXT://127.0.0.1:9092,CONTROLLER://[::1]:9092' },
  { listeners: 'PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.2:9092' },
  { listeners: 'PLAINTEXT://:0,CONTROLLER://:0' },
  { listeners: 'PLAINTEXT://:9092,plaintext://:9094,CONTROLLER://:9093' },
  { listeners: 'PLAINTEXT://:9092,PLAINTEXT://:9094,CONTROLLER://:9093' },
  { listeners: 'CONTROLLER://:9093' },
  { listeners: 'OTHER://:9092,CONTROLLER://:9093' },
  {
    listeners: 'OTHER://:9092,CONTROLLER://:9093',
    'listener.security.protocol.map': 'OTHER:PLAINTEXT,CONTROLLER:PLAINTEXT',
  },
  {
    listeners: 'OTHER://:9092,CONTROLLER://:9093',
    'listener.security.protocol.map': 'OTHER:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name': 'OTHER',
  },
  {
    listeners: 'OTHER://:9092,CONTROLLER://:9093',
    'listener.security.protocol.map': 'OTHER:PLAINTEXT',
    'inter.broker.listener.name': 'OTHER',
  },
  { 'advertised.listeners': 'PLAINTEXT://a:1,OTHER://b:2' },
  { 'advertised.listeners': 'PLAINTEXT://a:1,CONTROLLER://b:2' },
  { 'advertised.listeners': 'CONTROLLER://b:2' },
  { 'advertised.listeners': 'PLAINTEXT://a:1,PLAINTEXT://b:2' },
  { 'advertised.listeners': 'PLAINTEXT://:1' },
  { 'advertised.listeners': 'CONTROLLER://0.0.0.0:2,PLAINTEXT://a:1' },
  { 'log.dirs': '/tmp/a,/tmp/b', 'cordoned.log.dirs': '/tmp/b' },
  { 'log.dirs': '/tmp/a,/tmp/b', 'cordoned.log.dirs': '/tmp/c' },
  { 'log.dirs': '/tmp/a,/tmp/b', 'cordoned.log.dirs': '*' },
  { 'log.dirs': '/tmp/a,/tmp/b', 'cordoned.log.dirs': '*,/tmp/a' },
  { 'log.dir': '/tmp/b' },
  { 'remote.log.storage.system.enable': 'true' },
  { 'offsets.topic.compression.codec': '5' },
  { 'group.coordinator.rebalance.protocols': 'consumer' },
  { 'group.coordinator.rebalance.protocols': 'classic' },
  { 'group.coordinator.rebalance.protocols': 'classic,consumer,share' },
]
