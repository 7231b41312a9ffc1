// SPDX-License-Identifier: Apache-2.0
import { assertNever } from '@millrace/base'
import type { Admin, MemberDescription, TopicPartition } from '@millrace/client'
import { connectionOptions, openAdmin } from '../client/connection.ts'
import { type Place, parsePlace, placeHelp } from '../client/offset-spec.ts'
import { printRows, type Row, report } from '../client/output.ts'
import type { Command } from '../command.ts'
import type { ParsedOptions } from '../options.ts'
import { UsageError } from '../usage-error.ts'

const list: Command = {
  name: 'list',
  summary: 'lists groups with their state',
  options: {
    ...connectionOptions,
    state: {
      value: 'STATE',
      multiple: true,
      help: 'only those in a state, as Empty or Stable; may be repeated',
    },
  },
  async run(parsed) {
    await using admin = openAdmin(parsed)
    const groups = await admin.listGroups({ states: parsed.values('state') })
    printRows(
      groups.map(({ groupId, state, type, protocolType }) => ({
        group: groupId,
        state,
        type,
        protocol: protocolType,
      })),
      { json: parsed.has('json') },
    )
    return 0
  },
}

const describe: Command = {
  name: 'describe',
  summary: "shows a group's offsets and lag, and who reads what",
  positionals: ['GROUP...'],
  options: {
    ...connectionOptions,
    members: { short: 'm', help: 'its members in place of its offsets' },
  },
  async run(parsed) {
    await using admin = openAdmin(parsed)
    const json = parsed.has('json')
    for (const groupId of parsed.positionals) {
      const group = (await admin.describeConsumerGroups([groupId])).get(groupId)
      const members = group?.members ?? []
      const rows = parsed.has('members')
        ? memberRows(members)
        : await offsetRows(admin, groupId, members)
      if (!json) {
        const count = members.length
        const assignor = group?.assignor === '' ? '' : `, assignor ${group?.assignor}`
        process.stdout.write(
          `${groupId}  ${group?.state}, ${count} member${count === 1 ? '' : 's'}${assignor}, coordinator ${group?.coordinator}\n`,
        )
      }
      printRows(rows, { json })
    }
    return 0
  },
}

function memberRows(members: readonly MemberDescription[]): Row[] {
  return members.map((member) => ({
    member: member.memberId,
    instance: member.groupInstanceId,
    client: member.clientId,
    host: member.host,
    partitions: member.assignment.map(({ topic, partition }) => `${topic}-${partition}`),
  }))
}

async function offsetRows(
  admin: Admin,
  groupId: string,
  members: readonly MemberDescription[],
): Promise<Row[]> {
  const committed = (await admin.listConsumerGroupOffsets([groupId])).get(groupId) ?? []
  const owners = new Map(
    members.flatMap((member) =>
      member.assignment.map(({ topic, partition }) => [`${topic}-${partition}`, member] as const),
    ),
  )
  const places = new Map<string, TopicPartition & { readonly offset?: bigint }>(
    committed.map((each) => [`${each.topic}-${each.partition}`, each]),
  )
  for (const member of members) {
    for (const place of member.assignment) {
      const name = `${place.topic}-${place.partition}`
      if (!places.has(name)) places.set(name, place)
    }
  }
  const sorted = [...places.values()].sort((a, b) =>
    a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1,
  )
  const ends = await admin.listOffsets(
    sorted.map(({ topic, partition }) => ({ topic, partition, spec: 'latest' })),
  )
  return sorted.map(({ topic, partition, offset }, i) => {
    const end = ends[i]?.offset ?? 0n
    const owner = owners.get(`${topic}-${partition}`)
    return {
      topic,
      partition,
      committed: offset ?? null,
      end,
      lag: offset === undefined ? null : end > offset ? end - offset : 0n,
      member: owner?.memberId ?? null,
      client: owner?.clientId ?? null,
      host: owner?.host ?? null,
    }
  })
}

const reset: Command = {
  name: 'reset-offsets',
  summary: 'moves a group without members to other offsets',
  positionals: ['GROUP'],
  options: {
    ...connectionOptions,
    topic: {
      value: 'TOPIC[:P,…]',
      short: 't',
      multiple: true,
      help: 'which partitions; default: all that the group has offsets for',
    },
    to: { value: 'PLACE', help: `where to: ${placeHelp}` },
    shift: { value: 'N', help: 'so many records forward, or back with -N' },
    'dry-run': { help: 'shows what would be and changes nothing' },
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
      throw new UsageError('give one of --to and --shift')
    }
    if (shift !== undefined && !/^[-+]?\d+$/.test(shift)) {
      throw new UsageError(`invalid --shift ${shift}: allowed is a whole number`)
    }
    const place = to === undefined ? undefined : parsePlace('to', to, Date.now())
    await using admin = openAdmin(parsed)
    const committed = (await admin.listConsumerGroupOffsets([groupId])).get(groupId) ?? []
    const current = new Map(
      committed.map(({ topic, partition, offset }) => [`${topic}-${partition}`, offset]),
    )
    const places = await chosen(admin, parsed, committed)
    const targets = await targetsOf(admin, places, { place, shift, current })
    if (!parsed.has('dry-run')) {
      await admin.alterConsumerGroupOffsets(
        groupId,
        places.map((each, i) => ({ ...each, offset: targets[i] as bigint })),
      )
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

async function chosen(
  admin: Admin,
  parsed: ParsedOptions,
  committed: readonly TopicPartition[],
): Promise<TopicPartition[]> {
  const given = parsed.values('topic')
  if (given.length === 0) {
    if (committed.length === 0) {
      throw new UsageError(
        `group ${parsed.positionals[0]} has no offsets: name topics with --topic`,
      )
    }
    return committed.map(({ topic, partition }) => ({ topic, partition }))
  }
  const places: TopicPartition[] = []
  for (const text of given) {
    const match = /^([^:]+)(?::(\d+(?:,\d+)*))?$/.exec(text)
    if (match === null)
      throw new UsageError(`invalid --topic ${text}: allowed is TOPIC or TOPIC:0,1`)
    const [, name = '', numbers] = match
    const known = (await admin.describeTopics([name])).get(name)?.partitions ?? []
    const partitions = numbers?.split(',').map(Number) ?? known.map(({ partition }) => partition)
    for (const partition of partitions) places.push({ topic: name, partition })
  }
  return places
}

/** New offsets, kept within the logs. */
async function targetsOf(
  admin: Admin,
  places: readonly TopicPartition[],
  how: {
    readonly place: Place | undefined
    readonly shift: string | undefined
    readonly current: ReadonlyMap<string, bigint>
  },
): Promise<bigint[]> {
  const begins = await admin.listOffsets(places.map((each) => ({ ...each, spec: 'earliest' })))
  const ends = await admin.listOffsets(places.map((each) => ({ ...each, spec: 'latest' })))
  const { place } = how
  const times =
    place?.kind === 'time'
      ? await admin.listOffsets(
          places.map((each) => ({ ...each, spec: { timestamp: place.timestamp } })),
        )
      : undefined
  return places.map((each, i) =>
    targetOf(each, {
      place,
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
    readonly place: Place | undefined
    readonly shift: string | undefined
    readonly current: bigint | undefined
    readonly begin: bigint
    readonly end: bigint
    readonly atTime: bigint
  },
): bigint {
  const { place, begin, end } = how
  const within = (offset: bigint): bigint => (offset < begin ? begin : offset > end ? end : offset)
  if (place === undefined) {
    if (how.current === undefined) {
      throw new UsageError(`the group has no offset for ${topic}-${partition} to shift: give --to`)
    }
    return within(how.current + BigInt(how.shift ?? 0))
  }
  switch (place.kind) {
    case 'beginning':
      return begin
    case 'end':
      return end
    case 'offset':
      return within(place.offset)
    case 'last':
      return within(end - place.count)
    case 'time':
      return how.atTime < 0n ? end : how.atTime
    default:
      return assertNever(place)
  }
}

const remove: Command = {
  name: 'delete',
  summary: 'deletes groups without members, with their offsets',
  positionals: ['GROUP...'],
  options: connectionOptions,
  async run(parsed) {
    await using admin = openAdmin(parsed)
    await admin.deleteConsumerGroups(parsed.positionals)
    for (const groupId of parsed.positionals) {
      report(`deleted ${groupId}`, { group: groupId, deleted: true }, { json: parsed.has('json') })
    }
    return 0
  },
}

/** `millrace group …` */
export const group: Command = {
  name: 'group',
  summary: 'lists, describes, resets and deletes consumer groups',
  subcommands: [list, describe, reset, remove],
}
