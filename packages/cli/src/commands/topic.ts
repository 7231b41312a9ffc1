// SPDX-License-Identifier: Apache-2.0
import type { OffsetSpec } from '@millrace/client'
import { connectionOptions, openAdmin, pairs } from '../client/connection.ts'
import { parseOffsetSpec } from '../client/offset-spec.ts'
import { printRows, report } from '../client/output.ts'
import type { Command } from '../command.ts'
import type { Options, ParsedOptions } from '../options.ts'
import { UsageError } from '../usage-error.ts'

const asJson = (parsed: ParsedOptions): { readonly json: boolean } => ({ json: parsed.has('json') })

const list: Command = {
  name: 'list',
  summary: 'lists topics',
  options: { ...connectionOptions, internal: { help: "includes Kafka's internal topics" } },
  async run(parsed) {
    await using admin = openAdmin(parsed)
    const topics = await admin.listTopics({ listInternal: parsed.has('internal') })
    if (!parsed.has('json')) {
      for (const { name } of topics) process.stdout.write(`${name}\n`)
      return 0
    }
    printRows(
      topics.map((each) => ({ ...each })),
      { json: true },
    )
    return 0
  },
}

const createOptions = {
  ...connectionOptions,
  partitions: {
    value: 'N',
    short: 'p',
    help: "number of partitions (default: the broker's num.partitions)",
  },
  'replication-factor': {
    value: 'N',
    short: 'r',
    help: "replicas of each partition (default: the broker's)",
  },
  topic: {
    value: 'KEY=VALUE',
    short: 't',
    multiple: true,
    help: 'topic configuration, such as retention.ms=86400000; may be repeated',
  },
  'if-not-exists': { help: 'succeeds if the topic already exists' },
} satisfies Options

const create: Command = {
  name: 'create',
  summary: 'creates topics',
  positionals: ['NAME...'],
  options: createOptions,
  details: `Examples:
  millrace topic create orders --partitions 6
  millrace topic create state --topic cleanup.policy=compact`,
  async run(parsed) {
    await using admin = openAdmin(parsed)
    const numPartitions = parsed.number('partitions', { min: 1 })
    const replicationFactor = parsed.number('replication-factor', { min: 1, max: 32_767 })
    const there = parsed.has('if-not-exists')
      ? new Set((await admin.listTopics({ listInternal: true })).map(({ name }) => name))
      : new Set<string>()
    const wanted = parsed.positionals.filter((name) => !there.has(name))
    for (const name of parsed.positionals) {
      if (there.has(name))
        report(`${name} already exists`, { topic: name, created: false }, asJson(parsed))
    }
    if (wanted.length === 0) return 0
    const created = await admin.createTopics(
      wanted.map((name) => ({
        name,
        ...(numPartitions === undefined ? {} : { numPartitions }),
        ...(replicationFactor === undefined ? {} : { replicationFactor }),
        configs: Object.fromEntries(pairs(parsed, 'topic')),
      })),
    )
    for (const topic of created.values()) {
      const partitions = topic.numPartitions
      const count =
        partitions > 0 ? ` with ${partitions} partition${partitions === 1 ? '' : 's'}` : ''
      report(`created ${topic.name}${count}`, { ...topic, created: true }, asJson(parsed))
    }
    return 0
  },
}

const describe: Command = {
  name: 'describe',
  summary: 'shows the partitions of topics, with leaders and replicas',
  positionals: ['NAME...'],
  options: connectionOptions,
  async run(parsed) {
    await using admin = openAdmin(parsed)
    const topics = [...(await admin.describeTopics(parsed.positionals)).values()]
    if (parsed.has('json')) {
      printRows(
        topics.map((topic) => ({ ...topic })),
        { json: true },
      )
      return 0
    }
    const configs = await admin.describeConfigs(topics.map(({ name }) => ({ type: 'topic', name })))
    for (const [i, { name, id, partitions }] of topics.entries()) {
      const own = (configs.get(`topic/${name}`) ?? [])
        .filter(({ source }) => source === 'DYNAMIC_TOPIC_CONFIG')
        .map((entry) => `${entry.name}=${entry.value}`)
      process.stdout.write(
        `${i > 0 ? '\n' : ''}${name}  id ${id}${own.length > 0 ? `  ${own.join(' ')}` : ''}\n`,
      )
      printRows(
        partitions.map(({ partition, leader, leaderEpoch, replicas, isr, offlineReplicas }) => ({
          partition,
          leader,
          epoch: leaderEpoch,
          replicas,
          inSync: isr,
          offline: offlineReplicas,
        })),
        { json: false },
      )
    }
    return 0
  },
}

const alter: Command = {
  name: 'alter',
  summary: 'adds partitions to a topic, or changes its configuration',
  positionals: ['NAME'],
  options: {
    ...connectionOptions,
    partitions: {
      value: 'N',
      short: 'p',
      help: 'new number of partitions; it cannot be decreased later',
    },
    topic: {
      value: 'KEY=VALUE',
      short: 't',
      multiple: true,
      help: 'sets a configuration value; may be repeated',
    },
    delete: {
      value: 'KEY',
      multiple: true,
      help: 'resets a configuration value to its default; may be repeated',
    },
  },
  async run(parsed) {
    const [name] = parsed.positionals as [string]
    const partitions = parsed.number('partitions', { min: 1 })
    const changes = [
      ...pairs(parsed, 'topic').map(([key, value]) => ({ name: key, value })),
      ...parsed.values('delete').map((key) => ({ name: key, value: null })),
    ]
    if (partitions === undefined && changes.length === 0) {
      throw new UsageError('nothing to alter: use --partitions, --topic or --delete')
    }
    await using admin = openAdmin(parsed)
    if (partitions !== undefined) {
      await admin.createPartitions({ [name]: partitions })
      report(
        `${name} now has ${partitions} partitions`,
        { topic: name, partitions },
        asJson(parsed),
      )
    }
    if (changes.length > 0) {
      await admin.incrementalAlterConfigs([{ type: 'topic', name, changes }])
      report(`changed the configuration of ${name}`, { topic: name, changes }, asJson(parsed))
    }
    return 0
  },
}

const remove: Command = {
  name: 'delete',
  summary: 'deletes topics and their records',
  positionals: ['NAME...'],
  options: connectionOptions,
  async run(parsed) {
    await using admin = openAdmin(parsed)
    await admin.deleteTopics(parsed.positionals)
    for (const name of parsed.positionals) {
      report(`deleted ${name}`, { topic: name, deleted: true }, asJson(parsed))
    }
    return 0
  },
}

const offsets: Command = {
  name: 'offsets',
  summary: 'shows the first and last offsets of topics, or those at a time',
  positionals: ['NAME...'],
  options: {
    ...connectionOptions,
    at: {
      value: 'TIME',
      help: 'shows the first offset at or after a time or an age (2026-11-21T08:00:00Z, 30m)',
    },
  },
  async run(parsed) {
    await using admin = openAdmin(parsed)
    const topics = [...(await admin.describeTopics(parsed.positionals)).values()]
    const places = topics.flatMap(({ name, partitions }) =>
      partitions.map(({ partition }) => ({ topic: name, partition })),
    )
    const find = async (spec: OffsetSpec): Promise<bigint[]> => {
      const found = await admin.listOffsets(places.map((offsetSpec) => ({ ...offsetSpec, spec })))
      return found.map(({ offset }) => offset)
    }
    const at = parsed.value('at')
    const offsetSpec = at === undefined ? undefined : parseOffsetSpec('at', at, Date.now())
    if (offsetSpec !== undefined && offsetSpec.kind !== 'time') {
      throw new UsageError(`invalid --at ${at}: expected a time or an age`)
    }
    const [begins, ends, times] = await Promise.all([
      find('earliest'),
      find('latest'),
      offsetSpec === undefined ? undefined : find({ timestamp: offsetSpec.timestamp }),
    ])
    printRows(
      places.map(({ topic, partition }, i) => ({
        topic,
        partition,
        begin: begins[i],
        end: ends[i],
        count: (ends[i] ?? 0n) - (begins[i] ?? 0n),
        ...(times === undefined ? {} : { at: (times[i] ?? -1n) < 0n ? null : times[i] }),
      })),
      asJson(parsed),
    )
    return 0
  },
}

/** `millrace topic …` */
export const topic: Command = {
  name: 'topic',
  summary: 'lists, creates, describes, alters and deletes topics',
  subcommands: [list, create, describe, alter, remove, offsets],
}
