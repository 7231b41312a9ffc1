// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import {
  execute,
  java,
  type Output,
  type Peer,
  peersDirectory,
  startKafka,
  startMillrace,
} from './peers.ts'

const python = join(peersDirectory, 'venv/bin/python')
const here = import.meta.dirname

type Program = (address: string, prefix: string) => Promise<Output>

/** Client programs of other projects. Each prints its results, one per line. */
const programs: Readonly<Record<string, Program>> = {
  'Java kafka-clients 4.4.0': (...args) => java('kafka-4.4.0', ['ClientScenario', ...args]),
  'Java kafka-clients 4.4.0: transactions, consumer groups, share groups': (...args) =>
    java('kafka-4.4.0', ['GuaranteesScenario', ...args], { timeoutMs: 280_000 }),
  'confluent-kafka-python (librdkafka): transactions, consumer groups': (...args) =>
    execute(python, [join(here, 'python/confluent_groups_scenario.py'), ...args]),
  'franz-go: transactions, consumer groups, share groups': (...args) =>
    execute(join(peersDirectory, 'go/groups'), args),
  'Kafka Streams 4.3.1, classic protocol': (...args) => wordCount('classic', ...args),
  'Kafka Streams 4.3.1, streams protocol': (...args) => wordCount('streams', ...args),
  'kafka-python': (...args) =>
    execute(python, [join(here, 'python/kafka_python_scenario.py'), ...args]),
  aiokafka: (...args) => execute(python, [join(here, 'python/aiokafka_scenario.py'), ...args]),
  'confluent-kafka-python (librdkafka)': (...args) =>
    execute(python, [join(here, 'python/confluent_scenario.py'), ...args]),
  'franz-go': (...args) => execute(join(peersDirectory, 'go/franz'), args),
  sarama: (...args) => execute(join(peersDirectory, 'go/sarama'), args),
  kcat: kcatScenario,
}

const wordCount = (protocol: string, ...args: readonly string[]): Promise<Output> =>
  java('kafka-streams-4.3.1', ['WordCount', ...args, protocol], { timeoutMs: 280_000 })

async function kcatScenario(address: string, prefix: string): Promise<Output> {
  const topic = `${prefix}-kcat`
  const outputs: string[] = []
  const note = (what: string, output: Output): void => {
    outputs.push(`${what}: ${output.code}\n${output.stdout}`)
  }
  for (const codec of ['none', 'gzip', 'snappy', 'lz4', 'zstd']) {
    const args = ['-b', address, '-P', '-t', topic, '-K', ':', '-z', codec, '-H', `codec=${codec}`]
    note(
      `produce ${codec}`,
      await execute('kcat', args, { input: `${codec}:${'x'.repeat(200)}\n` }),
    )
  }
  const format = ['-f', '%k %S %o %h\\n']
  note('consume', await execute('kcat', ['-b', address, '-C', '-t', topic, '-e', '-q', ...format]))
  note(
    'from offset',
    await execute('kcat', ['-b', address, '-C', '-t', topic, '-o', '3', '-e', '-q', ...format]),
  )
  note(
    'last two',
    await execute('kcat', ['-b', address, '-C', '-t', topic, '-o', '-2', '-e', '-q', ...format]),
  )
  const group = [
    '-b',
    address,
    '-G',
    `${prefix}-kcat-group`,
    '-X',
    'auto.offset.reset=earliest',
    '-c',
    '5',
    '-q',
  ]
  note('group', await execute('kcat', [...group, '-f', '%k\\n', topic], { timeoutMs: 30_000 }))
  note('query', await execute('kcat', ['-b', address, '-Q', '-t', `${topic}:0:1`]))
  const listed = await execute('kcat', ['-b', address, '-L', '-J', '-t', topic])
  const metadata = JSON.parse(listed.stdout) as { readonly topics: unknown }
  outputs.push(`metadata: ${JSON.stringify(metadata.topics)}`)
  return { code: 0, stdout: outputs.join('\n'), stderr: '' }
}

describe('one scenario on Apache Kafka 4.4.0 and on millrace has the same results with', () => {
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

  for (const [name, program] of Object.entries(programs)) {
    it(name, async () => {
      const prefix = 'scenario'
      const [theirs, ours] = await Promise.all([
        program(kafka.address, prefix),
        program(millrace.address, prefix),
      ])
      assert.equal(theirs.code, 0, `on Kafka: ${theirs.stderr.slice(-2000)}`)
      assert.equal(ours.code, 0, `on millrace: ${ours.stderr.slice(-2000)}`)
      assert.ok(theirs.stdout.split('\n').length >= 8, theirs.stdout)
      assert.deepEqual(ours.stdout.split('\n'), theirs.stdout.split('\n'))
    })
  }
})
