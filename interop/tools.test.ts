// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { java, type Output, type Peer, startKafka, startMillrace } from './peers.ts'

const TOOLS = 'org.apache.kafka.tools'

/** kafka-configs is the only tool that is still in the broker's jar. */
function tool(name: string, args: readonly string[], input?: string): Promise<Output> {
  return java(
    'kafka-tools-4.3.1',
    [name === 'ConfigCommand' ? 'kafka.admin.ConfigCommand' : `${TOOLS}.${name}`, ...args],
    input === undefined ? {} : { input },
  )
}

function deleteRecordsFile(): string {
  const path = join(mkdtempSync(join(tmpdir(), 'tools-')), 'offsets.json')
  writeFileSync(
    path,
    JSON.stringify({ partitions: [{ topic: 'tooled', partition: 0, offset: 1 }], version: 1 }),
  )
  return path
}

/** Consecutive invocations, as a user would type them. */
const invocations: readonly (readonly [
  what: string,
  run: (bootstrap: readonly string[]) => Promise<Output>,
])[] = [
  [
    'kafka-topics --create',
    (b) =>
      tool('TopicCommand', [
        ...b,
        '--create',
        '--topic',
        'tooled',
        '--partitions',
        '2',
        '--config',
        'retention.ms=99999',
      ]),
  ],
  [
    'kafka-topics --create again',
    (b) => tool('TopicCommand', [...b, '--create', '--topic', 'tooled']),
  ],
  ['kafka-topics --list', (b) => tool('TopicCommand', [...b, '--list'])],
  [
    'kafka-topics --describe',
    (b) => tool('TopicCommand', [...b, '--describe', '--topic', 'tooled']),
  ],
  [
    'kafka-topics --alter',
    (b) => tool('TopicCommand', [...b, '--alter', '--topic', 'tooled', '--partitions', '3']),
  ],
  [
    'kafka-configs --alter',
    (b) =>
      tool('ConfigCommand', [
        ...b,
        '--alter',
        '--entity-type',
        'topics',
        '--entity-name',
        'tooled',
        '--add-config',
        'segment.ms=123456',
      ]),
  ],
  [
    'kafka-configs --describe',
    (b) =>
      tool('ConfigCommand', [
        ...b,
        '--describe',
        '--entity-type',
        'topics',
        '--entity-name',
        'tooled',
      ]),
  ],
  [
    'kafka-console-producer',
    (b) =>
      tool(
        'ConsoleProducer',
        [
          ...b,
          '--topic',
          'tooled',
          '--property',
          'parse.key=true',
          '--property',
          'key.separator=:',
        ],
        'a:1\nb:2\nc:3\nd:4\n',
      ),
  ],
  [
    'kafka-console-consumer',
    (b) =>
      tool('consumer.ConsoleConsumer', [
        ...b,
        '--topic',
        'tooled',
        '--group',
        'tools',
        '--from-beginning',
        '--max-messages',
        '4',
        '--timeout-ms',
        '20000',
        '--property',
        'print.key=true',
      ]),
  ],
  ['kafka-get-offsets', (b) => tool('GetOffsetShell', [...b, '--topic', 'tooled'])],
  [
    'kafka-get-offsets --time earliest',
    (b) => tool('GetOffsetShell', [...b, '--topic', 'tooled', '--time', 'earliest']),
  ],
  [
    'kafka-consumer-groups --list',
    (b) => tool('consumer.group.ConsumerGroupCommand', [...b, '--list']),
  ],
  [
    'kafka-consumer-groups --describe',
    (b) => tool('consumer.group.ConsumerGroupCommand', [...b, '--describe', '--group', 'tools']),
  ],
  [
    'kafka-consumer-groups --state',
    (b) =>
      tool('consumer.group.ConsumerGroupCommand', [
        ...b,
        '--describe',
        '--group',
        'tools',
        '--state',
      ]),
  ],
  [
    'kafka-consumer-groups --reset-offsets',
    (b) =>
      tool('consumer.group.ConsumerGroupCommand', [
        ...b,
        '--reset-offsets',
        '--group',
        'tools',
        '--topic',
        'tooled',
        '--to-earliest',
        '--execute',
      ]),
  ],
  [
    'kafka-consumer-groups --delete-offsets',
    (b) =>
      tool('consumer.group.ConsumerGroupCommand', [
        ...b,
        '--delete-offsets',
        '--group',
        'tools',
        '--topic',
        'tooled:0',
      ]),
  ],
  [
    'kafka-consumer-groups --delete',
    (b) => tool('consumer.group.ConsumerGroupCommand', [...b, '--delete', '--group', 'tools']),
  ],
  [
    'kafka-delete-records',
    (b) => tool('DeleteRecordsCommand', [...b, '--offset-json-file', deleteRecordsFile()]),
  ],
  ['kafka-log-dirs', (b) => tool('LogDirsCommand', [...b, '--describe', '--topic-list', 'tooled'])],
  ['kafka-cluster cluster-id', (b) => tool('ClusterTool', ['cluster-id', ...b])],
  [
    'kafka-verifiable-producer',
    (b) => tool('VerifiableProducer', [...b, '--topic', 'verified', '--max-messages', '200']),
  ],
  ['kafka-topics --delete', (b) => tool('TopicCommand', [...b, '--delete', '--topic', 'tooled'])],
]

/** Values that differ between any two runs: ids, sizes, times, addresses. */
function comparable(output: Output): { readonly code: number; readonly lines: readonly string[] } {
  const lines = `${output.stdout}\n${output.stderr}`
    .split('\n')
    .map((line) =>
      line
        .replace(/127\.0\.0\.1:\d+/g, 'ADDRESS')
        .replace(/TopicId: \S+/g, 'TopicId')
        .replace(/"timestamp":\d+/g, 'TIME')
        .replace(/Cluster ID: \S+/g, 'Cluster ID')
        .replace(/"logDir":"[^"]*"/g, 'DIR')
        .replace(/"(size|totalBytes|usableBytes)":-?\d+/g, '$1')
        .replace(/\/tmp\/[\w./-]+/g, 'FILE')
        .replace(/\d{4}-\d\d-\d\d[ T][\d:.,]+/g, 'TIME')
        .replace(/(avg_throughput|target_throughput)":\s*[-\d.]+/g, '$1')
        .replace(/\s+/g, ' ')
        .replace(/,?min\.insync\.replicas=1,?/, '')
        .trim(),
    )
    // Stack traces contain line numbers of the tools, and log output varies.
    .filter((line) => line !== '' && !/^(at |\[|SLF4J|OpenJDK)/.test(line))
  return { code: output.code, lines: lines.sort() }
}

describe("Kafka's command-line tools have the same output with Apache Kafka 4.4.0 and millrace:", () => {
  let kafka: Peer
  let millrace: Peer

  before(async () => {
    kafka = await startKafka()
    millrace = await startMillrace()
  })
  after(async () => {
    await kafka?.stop()
    await millrace?.stop()
  })

  for (const [what, run] of invocations) {
    it(what, async () => {
      const [theirs, ours] = await Promise.all(
        ([kafka, millrace] as const).map(async ({ address }) =>
          comparable(await run(['--bootstrap-server', address])),
        ),
      )
      assert.ok(theirs !== undefined && ours !== undefined)
      assert.doesNotMatch(theirs.lines.join('\n'), /ClassNotFoundException|Could not find or load/)
      assert.deepEqual(ours, theirs)
    })
  }

  it('kafka-verifiable-consumer', async () => {
    const consume = async (address: string) => {
      const output = await java(
        'kafka-tools-4.3.1',
        [
          `${TOOLS}.VerifiableConsumer`,
          '--bootstrap-server',
          address,
          '--topic',
          'verified',
          '--group-id',
          'verifiers',
          '--max-messages',
          '200',
          '--reset-policy',
          'earliest',
        ],
        { timeoutMs: 60_000 },
      )
      const events = output.stdout
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line) as { readonly name: string; readonly count?: number })
      const consumed = events
        .filter(({ name }) => name === 'records_consumed')
        .reduce((sum, { count }) => sum + (count ?? 0), 0)
      return {
        code: output.code,
        consumed,
        names: [...new Set(events.map(({ name }) => name))].sort(),
      }
    }
    const [theirs, ours] = [await consume(kafka.address), await consume(millrace.address)]
    assert.equal(theirs.consumed, 200)
    assert.deepEqual(ours, theirs)
  })
})
