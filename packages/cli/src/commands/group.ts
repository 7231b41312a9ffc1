// SPDX-License-Identifier: Apache-2.0
import type {
  Admin,
  GroupType,
  MemberDescription,
  StreamsGroupDescription,
  TopicPartition,
} from '@millrace/client'
import { connectionOptions, openAdmin } from '../client/connection.ts'
import { printRows, type Row, report } from '../client/output.ts'
import type { Command } from '../command.ts'
import { UsageError } from '../usage-error.ts'
import { deleteOffsets, groupTypeOf, resetOffsets } from './group-offsets.ts'

const types: readonly GroupType[] = ['classic', 'consumer', 'share', 'streams']

const list: Command = {
  name: 'list',
  summary: 'lists groups with their states',
  options: {
    ...connectionOptions,
    state: {
      value: 'STATE',
      multiple: true,
      help: 'only groups in this state, such as Empty or Stable; may be repeated',
    },
    type: {
      value: 'TYPE',
      multiple: true,
      help: `only groups of this type: ${types.join(', ')}; may be repeated`,
    },
  },
  async run(parsed) {
    const wanted = parsed.values('type').map((type) => {
      const known = types.find((each) => each === type)
      if (known === undefined) {
        throw new UsageError(`invalid --type ${type}: expected one of ${types.join(', ')}`)
      }
      return known
    })
    await using admin = openAdmin(parsed)
    const groups = await admin.listGroups({ states: parsed.values('state'), types: wanted })
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
  summary: "shows a group's offsets and lag, with the assigned members",
  positionals: ['GROUP...'],
  options: {
    ...connectionOptions,
    members: { short: 'm', help: 'shows its members instead of its offsets' },
  },
  async run(parsed) {
    await using admin = openAdmin(parsed)
    const json = parsed.has('json')
    for (const groupId of parsed.positionals) {
      const { state, assignor, coordinator, memberCount, ofMembers, ofOffsets } = await described(
        admin,
        groupId,
      )
      if (!json) {
        const by = assignor === '' ? '' : `, assignor ${assignor}`
        const members = `${memberCount} member${memberCount === 1 ? '' : 's'}`
        const where = coordinator === undefined ? '' : `, coordinator ${coordinator}`
        process.stdout.write(`${groupId}  ${state}, ${members}${by}${where}\n`)
      }
      printRows(parsed.has('members') ? ofMembers() : await ofOffsets(), { json })
    }
    return 0
  },
}

interface Described {
  readonly state: string
  readonly assignor: string
  readonly coordinator: number | undefined
  readonly memberCount: number
  ofMembers(): Row[]
  ofOffsets(): Promise<Row[]>
}

/** A group of any type. */
async function described(admin: Admin, groupId: string): Promise<Described> {
  const type = await groupTypeOf(admin, groupId)
  if (type === 'streams') {
    const group = (await admin.describeStreamsGroups([groupId])).get(groupId)
    if (group === undefined) throw new UsageError(`no streams group ${groupId}`)
    return {
      state: group.groupState,
      assignor: 'sticky',
      coordinator: undefined,
      memberCount: group.members.length,
      ofMembers: () => streamsMemberRows(group),
      ofOffsets: () => offsetRows(admin, groupId, []),
    }
  }
  const groups =
    type === 'share'
      ? await admin.describeShareGroups([groupId])
      : await admin.describeConsumerGroups([groupId])
  const group = groups.get(groupId)
  const members = group?.members ?? []
  return {
    state: group?.state ?? 'Dead',
    assignor: group?.assignor ?? '',
    coordinator: group?.coordinator,
    memberCount: members.length,
    ofMembers: () => memberRows(members),
    ofOffsets: () =>
      type === 'share' ? shareRows(admin, groupId) : offsetRows(admin, groupId, members),
  }
}

/** Start offset of a share group, and the number of records that are not done yet. */
async function shareRows(admin: Admin, groupId: string): Promise<Row[]> {
  const offsets = (await admin.listShareGroupOffsets([groupId])).get(groupId) ?? []
  return offsets.map(({ topic, partition, startOffset, lag }) => ({
    topic,
    partition,
    start: startOffset < 0n ? null : startOffset,
    lag: lag < 0n ? null : lag,
  }))
}

function streamsMemberRows({ members }: StreamsGroupDescription): Row[] {
  const tasks = (list: StreamsGroupDescription['members'][number]['assignment']['activeTasks']) =>
    list.flatMap(({ subtopologyId, partitions }) =>
      partitions.map((partition) => `${subtopologyId}_${partition}`),
    )
  return members.map((member) => ({
    member: member.memberId,
    process: member.processId,
    client: member.clientId,
    host: member.clientHost,
    active: tasks(member.assignment.activeTasks),
    standby: tasks(member.assignment.standbyTasks),
  }))
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
  summary: 'lists, describes, resets and deletes groups of all types',
  subcommands: [list, describe, resetOffsets, deleteOffsets, remove],
}
