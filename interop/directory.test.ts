// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { Admin } from '@millrace/client'
import { copyOf, java, type Peer, startKafka, startMillrace } from './peers.ts'
import { keepPromises, leavePromises } from './promises.ts'

const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
const tool = (name: string, ...args: string[]) =>
  java('kafka-tools-4.3.1', [`org.apache.kafka.tools.${name}`, ...args])

/** Topics with every codec and a compacted one, and a group that has read some of their records. */
async function fill({ address }: Peer): Promise<void> {
  const bootstrap = ['--bootstrap-server', address]
  await using admin = new Admin({ bootstrapServers: address })
  await admin.createTopics([
    ...codecs.map((codec) => ({ name: `codec-${codec}`, numPartitions: 2 })),
    {
      name: 'compacted',
      configs: { 'cleanup.policy': 'compact', 'segment.ms': '3600000' },
    },
  ])
  const fillWith = async (codec: string): Promise<void> => {
    const output = await java(
      'kafka-tools-4.3.1',
      [
        'org.apache.kafka.tools.ConsoleProducer',
        ...bootstrap,
        '--topic',
        `codec-${codec}`,
        '--compression-codec',
        codec,
        '--property',
        'parse.key=true',
        '--property',
        'key.separator=:',
      ],
      {
        input: Array.from({ length: 20 }, (_, i) => `key${i}:${codec} value ${i}\n`).join(''),
      },
    )
    assert.equal(output.code, 0, output.stderr)
  }
  await Promise.all(codecs.map(fillWith))
  await java(
    'kafka-tools-4.3.1',
    [
      'org.apache.kafka.tools.ConsoleProducer',
      ...bootstrap,
      '--topic',
      'compacted',
      '--property',
      'parse.key=true',
      '--property',
      'key.separator=:',
    ],
    { input: 'a:1\nb:2\na:3\n' },
  )
  const read = await tool(
    'consumer.ConsoleConsumer',
    ...bootstrap,
    '--topic',
    'codec-none',
    '--group',
    'readers',
    '--from-beginning',
    '--max-messages',
    '20',
    '--timeout-ms',
    '20000',
  )
  assert.match(read.stderr + read.stdout, /Processed a total of 20 messages/)
}

/** Contents of a directory as reported by Kafka's own tools. */
async function inventory({ address }: Peer): Promise<Readonly<Record<string, string>>> {
  const bootstrap = ['--bootstrap-server', address]
  const told: Record<string, string> = {}
  const topics = await tool('TopicCommand', ...bootstrap, '--list', '--exclude-internal')
  told.topics = topics.stdout.trim().split('\n').sort().join(' ')
  const described = await tool('TopicCommand', ...bootstrap, '--describe', '--exclude-internal')
  told.described = described.stdout
    .split('\n')
    .map((line) => line.replace(/\s+/g, ' ').replace(/(Elr|LastKnownElr): ?(N\/A)?/g, ''))
    .filter((line) => line !== '')
    // Broker settings differ between the two, and are not part of the directory.
    .map((line) =>
      line.replace(
        /Configs: (.*)/,
        (_all, text: string) =>
          `Configs: ${text
            .split(',')
            .filter((item) => !item.startsWith('min.insync'))
            .sort()
            .join(',')}`,
      ),
    )
    .sort()
    .join('\n')
  const read = await tool(
    'consumer.ConsoleConsumer',
    ...bootstrap,
    '--include',
    'codec-.*',
    '--from-beginning',
    '--max-messages',
    String(20 * codecs.length),
    '--timeout-ms',
    '15000',
    '--property',
    'print.key=true',
  )
  for (const codec of codecs) {
    told[codec] = read.stdout
      .split('\n')
      .filter((line) => line.includes(`\t${codec} value `))
      .sort()
      .join('|')
  }
  const groups = await tool(
    'consumer.group.ConsumerGroupCommand',
    ...bootstrap,
    '--describe',
    '--group',
    'readers',
  )
  told.group = groups.stdout
    .split('\n')
    .filter((line) => line.startsWith('readers'))
    .map((line) => line.split(/\s+/).slice(0, 6).join(' '))
    .sort()
    .join('\n')
  return told
}

async function swap(options: {
  readonly from: () => Promise<Peer>
  readonly to: (directory: string) => Promise<Peer>
}): Promise<void> {
  const first = await options.from()
  let before: Readonly<Record<string, string>>
  try {
    await fill(first)
    before = await inventory(first)
  } finally {
    await first.stop()
  }
  assert.match(before.group ?? '', /readers codec-none 0 \d+ \d+ 0/)
  assert.equal(before.zstd?.split('|').length, 20)
  const directory = copyOf(first.directory)
  await using second = await options.to(directory)
  assert.deepEqual(await inventory(second), before)
  const more = await java(
    'kafka-tools-4.3.1',
    [
      'org.apache.kafka.tools.ConsoleProducer',
      '--bootstrap-server',
      second.address,
      '--topic',
      'codec-none',
    ],
    { input: 'one more\n' },
  )
  assert.equal(more.code, 0, more.stderr)
  assert.deepEqual(
    readdirSync(directory).filter((name) => name.endsWith('-stray')),
    [],
  )
}

describe('a data directory of millrace', () => {
  it('is opened by Apache Kafka 4.4.0 with static voters', () =>
    swap({
      from: () => startMillrace(),
      to: (directory) => startKafka({ directory, quorum: 'static' }),
    }))

  it('is opened by Apache Kafka 4.4.0 with a dynamic quorum', () =>
    swap({
      from: () => startMillrace(),
      to: (directory) => startKafka({ directory, quorum: 'dynamic' }),
    }))

  it('of release 4.3 is opened by Apache Kafka 4.3.1', () =>
    swap({
      from: () => startMillrace({ args: ['--release-version', '4.3'] }),
      to: (directory) => startKafka({ directory, peer: 'kafka-tools-4.3.1' }),
    }))

  it('is read by kafka-dump-log without errors', async () => {
    const peer = await startMillrace()
    await fill(peer)
    await peer.stop()
    const partitions = readdirSync(peer.directory).filter((name) =>
      /^(codec-|__cluster_metadata)/.test(name),
    )
    assert.ok(partitions.length >= 11)
    for (const partition of partitions) {
      const directory = join(peer.directory, partition)
      const files = readdirSync(directory)
        .filter((name) => /\.(log|index|timeindex|snapshot)$/.test(name))
        .map((name) => join(directory, name))
      const decoder = partition.startsWith('__cluster') ? ['--cluster-metadata-decoder'] : []
      const dump = await tool(
        'DumpLogSegments',
        '--deep-iteration',
        '--print-data-log',
        ...decoder,
        '--files',
        files.join(','),
      )
      const all = dump.stdout + dump.stderr
      assert.equal(dump.code, 0, all)
      assert.doesNotMatch(
        all,
        /isvalid: false|Mismatches|not found|Exception|Found.*corrupt|out of order/i,
        partition,
      )
    }
  })
})

describe('a data directory of Apache Kafka', () => {
  it('4.4.0 is opened by millrace', () =>
    swap({ from: () => startKafka(), to: (directory) => startMillrace({ directory }) }))

  it('is rejected while Kafka runs on it', async () => {
    await using kafka = await startKafka()
    await assert.rejects(startMillrace({ directory: kafka.directory }), /in use by another process/)
  })

  it('4.3.1 is opened by millrace', () =>
    swap({
      from: () => startKafka({ peer: 'kafka-tools-4.3.1' }),
      to: (directory) => startMillrace({ directory }),
    }))

  it('contains its committed transactions, and aborted ones for read_uncommitted', async () => {
    const kafka = await startKafka()
    const told = async (peer: Peer, mode: string): Promise<string> => {
      const output = await java('kafka-4.4.0', ['TransactionScenario', peer.address, mode])
      assert.equal(output.code, 0, output.stderr)
      return output.stdout
    }
    await told(kafka, 'write')
    const before = await told(kafka, 'read')
    await kafka.stop()
    assert.match(before, /read_committed: \[0 committed 0, 4 committed 2, 8 committed 4\]/)
    await using millrace = await startMillrace({ directory: copyOf(kafka.directory) })
    assert.equal(await told(millrace, 'read'), before)
  })
})

describe('transactions, consumer groups and share groups continue', () => {
  async function move(first: Peer, open: (directory: string) => Promise<Peer>): Promise<void> {
    const left = await leavePromises(first)
    await first.stop()
    await using second = await open(copyOf(first.directory))
    await keepPromises(second)
    // The broker has exited.
    void left.close().catch(() => undefined)
  }

  it('when Apache Kafka 4.4.0 opens a directory of millrace', async () =>
    move(await startMillrace(), (directory) => startKafka({ directory })))

  it('when millrace opens a directory of Apache Kafka 4.4.0', async () =>
    move(await startKafka(), (directory) => startMillrace({ directory })))
})
