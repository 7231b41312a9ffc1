// SPDX-License-Identifier: Apache-2.0
import { assertNever, elementAt } from '@millrace/base'
import type { Admin, TopicPartition } from '@millrace/client'
import { connectionOptions, openAdmin } from '../client/connection.ts'
import { type OffsetSpec, offsetSpecHelp, parseOffsetSpec } from '../client/offset-spec.ts'
import { printRows, report } from '../client/output.ts'
import type { Command } from '../command.ts'
import type { ParsedOptions } from '../options.ts'
import { UsageError } from '../usage-error.ts'

export const resetOffsets: Command = {
  name: 'reset-offsets',
  summary: 'resets the offsets of a group without members',
  positionals: ['GROUP'],
  options: {
    ...connectionOptions,
    topic: {
      value: 'TOPIC[:P,…]',
      short: 't',
      multiple: true,
      help: 'partitions to reset; default: all with a committed offset',
    },
    to: { value: 'POSITION', help: `new position: ${offsetSpecHelp}` },
    shift: { value: 'N', help: 'moves forward by this many records, or back with -N' },
    'dry-run': { help: 'shows the new offsets without changing anything' },
  },
  details: `Examples:
  millrace group reset-offsets billing --topic orders --to beginning
  millrace group reset-offsets billing --to 2h --dry-run
  millrace group reset-offsets billing --shift=-100`,
  async run(parsed) {
    const [groupId] = parsed.positionals as [string]
    const to = parsed.value('to')
    const shift = parsed.value('shift')
    if ((to === undefined) === (shift === undefined)) {
      throw new UsageError('use either --to or --shift')
    }
    if (shift !== undefined && !/^[-+]?\d+$/.test(shift)) {
      throw new UsageError(`invalid --shift ${shift}: expected a whole number`)
    }
    const offsetSpec = to === undefined ? undefined : parseOffsetSpec('to', to, Date.now())
    await using admin = openAdmin(parsed)
    const isShare = (await groupTypeOf(admin, groupId)) === 'share'
    const committed = isShare
      ? await shareOffsets(admin, groupId)
      : ((await admin.listConsumerGroupOffsets([groupId])).get(groupId) ?? [])
    const current = new Map(
      committed.map(({ topic, partition, offset }) => [`${topic}-${partition}`, offset]),
    )
    const places = await chosen(admin, parsed, committed)
    const targets = await targetsOf(admin, places, { offsetSpec, shift, current })
    if (!parsed.has('dry-run')) {
      const offsets = places.map((each, i) => ({ ...each, offset: elementAt(targets, i) }))
      if (isShare) await admin.alterShareGroupOffsets(groupId, offsets)
      else await admin.alterConsumerGroupOffsets(groupId, offsets)
    }
    printRows(
      places.map(({ topic, partition }, i) => ({
        topic,
        partition,
        before: current.get(`${topic}-${partition}`) ?? null,
        after: targets[i],
      })),
      { json: parsed.has('json') },
    )
    return 0
  },
}

async function shareOffsets(
  admin: Admin,
  groupId: string,
): Promise<(TopicPartition & { readonly offset: bigint })[]> {
  const offsets = (await admin.listShareGroupOffsets([groupId])).get(groupId) ?? []
  return offsets.map(({ topic, partition, startOffset }) => ({
    topic,
    partition,
    offset: startOffset,
  }))
}

/**
 * The type of a group; undefined if it does not exist, in which case committing offsets creates it.
 */
export async function groupTypeOf(admin: Admin, groupId: string): Promise<string | undefined> {
  const listed = (await admin.listGroups()).find((each) => each.groupId === groupId)
  return listed?.type.toLowerCase()
}

/** `millrace group delete-offsets` */
export const deleteOffsets: Command = {
  name: 'delete-offsets',
  summary: 'deletes the committed offsets of a group in topics',
  positionals: ['GROUP'],
  options: {
    ...connectionOptions,
    topic: {
      value: 'TOPIC',
      short: 't',
      multiple: true,
      help: 'topic whose offsets are deleted; may be repeated',
    },
  },
  async run(parsed) {
    const [groupId] = parsed.positionals as [string]
    const topics = parsed.values('topic')
    if (topics.length === 0) throw new UsageError('missing --topic')
    await using admin = openAdmin(parsed)
    if ((await groupTypeOf(admin, groupId)) === 'share') {
      await admin.deleteShareGroupOffsets(groupId, topics)
    } else {
      const committed = (await admin.listConsumerGroupOffsets([groupId])).get(groupId) ?? []
      await admin.deleteConsumerGroupOffsets(
        groupId,
        committed.filter(({ topic }) => topics.includes(topic)),
      )
    }
    for (const topic of topics) {
      report(
        `deleted the offsets of ${groupId} in ${topic}`,
        { group: groupId, topic, deleted: true },
        { json: parsed.has('json') },
      )
    }
    return 0
  },
}

async function chosen(
  admin: Admin,
  parsed: ParsedOptions,
  committed: readonly TopicPartition[],
): Promise<TopicPartition[]> {
  const given = parsed.values('topic')
  if (given.length === 0) {
    if (committed.length === 0) {
      throw new UsageError(
        `group ${parsed.positionals[0]} has no offsets: select topics with --topic`,
      )
    }
    return committed.map(({ topic, partition }) => ({ topic, partition }))
  }
  const places: TopicPartition[] = []
  for (const text of given) {
    const match = /^([^:]+)(?::(\d+(?:,\d+)*))?$/.exec(text)
    if (match === null) throw new UsageError(`invalid --topic ${text}: expected TOPIC or TOPIC:0,1`)
    const [, name = '', numbers] = match
    const known = (await admin.describeTopics([name])).get(name)?.partitions ?? []
    const partitions = numbers?.split(',').map(Number) ?? known.map(({ partition }) => partition)
    for (const partition of partitions) places.push({ topic: name, partition })
  }
  return places
}

/** The new offsets, limited to the range of each log. */
async function targetsOf(
  admin: Admin,
  places: readonly TopicPartition[],
  how: {
    readonly offsetSpec: OffsetSpec | undefined
    readonly shift: string | undefined
    readonly current: ReadonlyMap<string, bigint>
  },
): Promise<bigint[]> {
  const begins = await admin.listOffsets(places.map((each) => ({ ...each, spec: 'earliest' })))
  const ends = await admin.listOffsets(places.map((each) => ({ ...each, spec: 'latest' })))
  const { offsetSpec } = how
  const times =
    offsetSpec?.kind === 'time'
      ? await admin.listOffsets(
          places.map((each) => ({ ...each, spec: { timestamp: offsetSpec.timestamp } })),
        )
      : undefined
  return places.map((each, i) =>
    targetOf(each, {
      offsetSpec,
      shift: how.shift,
      current: how.current.get(`${each.topic}-${each.partition}`),
      begin: begins[i]?.offset ?? 0n,
      end: ends[i]?.offset ?? 0n,
      atTime: times?.[i]?.offset ?? -1n,
    }),
  )
}

function targetOf(
  { topic, partition }: TopicPartition,
  how: {
    readonly offsetSpec: OffsetSpec | undefined
    readonly shift: string | undefined
    readonly current: bigint | undefined
    readonly begin: bigint
    readonly end: bigint
    readonly atTime: bigint
  },
): bigint {
  const { offsetSpec, begin, end } = how
  const within = (offset: bigint): bigint => (offset < begin ? begin : offset > end ? end : offset)
  if (offsetSpec === undefined) {
    if (how.current === undefined) {
      throw new UsageError(`the group has no offset for ${topic}-${partition} to shift: use --to`)
    }
    return within(how.current + BigInt(how.shift ?? 0))
  }
  switch (offsetSpec.kind) {
    case 'beginning':
      return begin
    case 'end':
      return end
    case 'offset':
      return within(offsetSpec.offset)
    case 'last':
      return within(end - offsetSpec.count)
    case 'time':
      return how.atTime < 0n ? end : how.atTime
    default:
      return assertNever(offsetSpec)
  }
}
