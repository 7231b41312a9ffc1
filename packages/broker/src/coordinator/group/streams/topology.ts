// SPDX-License-Identifier: Apache-2.0
import { ProtocolError } from '@millrace/protocol'
import type { NewTopic } from '../../../metadata/topic-operations.ts'
import type { ReplayedRecord } from '../group-record.ts'
import type { TopicsView } from '../modern/topics-view.ts'

/** Topics that an application reads, stores and repartitions, as described by its members. */
export type Topology = NonNullable<ReplayedRecord<'streamsTopology'>['value']>
export type Subtopology = Topology['subtopologies'][number]
type TopicInfo = Subtopology['stateChangelogTopics'][number]

/** Codes of a heartbeat's status. */
export const StatusCode = {
  staleTopology: 0,
  missingSourceTopics: 1,
  incorrectlyPartitionedTopics: 2,
  missingInternalTopics: 3,
  shutdownApplication: 4,
  assignmentDelayed: 5,
} as const

export interface Status {
  readonly statusCode: number
  readonly statusDetail: string
}

export interface ConfiguredSubtopology {
  readonly subtopology: Subtopology
  readonly taskCount: number
  /** Partition counts of its internal topics, by name. */
  readonly internalPartitions: ReadonlyMap<string, number>
}

/** A topology resolved against the existing topics. */
export interface ConfiguredTopology {
  /** By id, in order; undefined if they cannot be determined. */
  readonly subtopologies: ReadonlyMap<string, ConfiguredSubtopology> | undefined
  /** Why no task can run yet. */
  readonly problem: Status | undefined
  readonly topicsToCreate: readonly NewTopic[]
}

/** Topics that a subtopology reads, including internal ones. */
export function sourceTopicsOf(subtopology: Subtopology): string[] {
  return [
    ...subtopology.sourceTopics,
    ...subtopology.repartitionSourceTopics.map(({ name }) => name),
  ]
}

export function requiredTopics({ subtopologies }: Pick<Topology, 'subtopologies'>): Set<string> {
  return new Set(
    subtopologies.flatMap((each) => [
      ...sourceTopicsOf(each),
      ...each.stateChangelogTopics.map(({ name }) => name),
    ]),
  )
}

/** All topics that a topology names, those it only writes to included. */
export function topicsOf(topology: Pick<Topology, 'subtopologies'> | undefined): Set<string> {
  if (topology === undefined) return new Set()
  const sinks = topology.subtopologies.flatMap(({ repartitionSinkTopics }) => repartitionSinkTopics)
  return new Set([...requiredTopics(topology), ...sinks])
}

export function sameTopology(a: Topology, b: Topology): boolean {
  const text = ({ epoch, subtopologies }: Topology): string =>
    JSON.stringify([
      epoch,
      [...subtopologies]
        .sort((one, other) => (one.subtopologyId < other.subtopologyId ? -1 : 1))
        .map((each) => [
          each.subtopologyId,
          each.sourceTopics,
          each.sourceTopicRegex,
          each.stateChangelogTopics.map(topicInfoText),
          each.repartitionSinkTopics,
          each.repartitionSourceTopics.map(topicInfoText),
          each.copartitionGroups.map((group) => [
            group.sourceTopics,
            group.sourceTopicRegex,
            group.repartitionSourceTopics,
          ]),
        ]),
    ])
  return text(a) === text(b)
}

function topicInfoText({ name, partitions, replicationFactor, topicConfigs }: TopicInfo): unknown {
  const configs = topicConfigs.map(({ key, value }) => [key, value])
  return [name, partitions, replicationFactor, configs.sort()]
}

/** A topic that does not match the topology's requirements. */
class TopicProblem extends Error {
  readonly statusCode: number

  constructor(statusCode: number, message: string) {
    super(message)
    this.statusCode = statusCode
  }
}

/**
 * Number of tasks of each subtopology, and internal topics to create. Throws for a topology that
 * can never run.
 */
export function configureTopology(topology: Topology, topics: TopicsView): ConfiguredTopology {
  try {
    throwIfSourcesAreMissing(topology, topics)
    const internal = decidePartitionCounts(topology, topics)
    const countOf = (name: string): number =>
      topics.byName(name)?.partitionCount ?? internal.get(name) ?? 0
    const subtopologies = new Map(
      [...topology.subtopologies]
        .sort((a, b) => (a.subtopologyId < b.subtopologyId ? -1 : 1))
        .map((subtopology) => {
          const taskCount = Math.max(...sourceTopicsOf(subtopology).map(countOf))
          const configured = { subtopology, taskCount, internalPartitions: internal }
          return [subtopology.subtopologyId, configured] as const
        }),
    )
    const topicsToCreate = missingTopics(topology, topics, internal)
    return {
      subtopologies,
      topicsToCreate,
      problem:
        topicsToCreate.length === 0
          ? undefined
          : {
              statusCode: StatusCode.missingInternalTopics,
              statusDetail: `Internal topics are missing: ${summary(topicsToCreate.map(({ name }) => name))}`,
            },
    }
  } catch (error) {
    if (!(error instanceof TopicProblem)) throw error
    const problem = { statusCode: error.statusCode, statusDetail: error.message }
    return { subtopologies: undefined, topicsToCreate: [], problem }
  }
}

function throwIfSourcesAreMissing({ subtopologies }: Topology, topics: TopicsView): void {
  const missing = subtopologies
    .flatMap(({ sourceTopics }) => sourceTopics)
    .filter((name) => topics.byName(name) === undefined)
  if (missing.length > 0) {
    const names = summary([...new Set(missing)].sort())
    throw new TopicProblem(StatusCode.missingSourceTopics, `Source topics ${names} are missing.`)
  }
}

function summary(names: readonly string[]): string {
  const shown = names.slice(0, 3).join(', ')
  return names.length > 3 ? `${shown}, ... (${names.length} topics total)` : shown
}

/**
 * Partition counts of all internal topics: a repartition topic's follows from the topics that feed
 * it, a changelog's from the topics of its subtopology.
 */
function decidePartitionCounts(topology: Topology, topics: TopicsView): Map<string, number> {
  const counts = repartitionCounts(topology, topics)
  const countOf = (name: string): number => {
    const count = topics.byName(name)?.partitionCount ?? counts.get(name)
    if (count === undefined) throw new Error(`no partition count for topic ${name}`)
    return count
  }
  const fixed = new Set<string>()
  const flexible = new Set<string>()
  for (const { repartitionSourceTopics } of topology.subtopologies) {
    for (const { name, partitions } of repartitionSourceTopics) {
      ;(partitions === 0 ? flexible : fixed).add(name)
    }
  }
  for (const subtopology of topology.subtopologies) {
    for (const group of copartitionGroups(subtopology)) {
      if (group.size > 0) copartition(group, { fixed, flexible, countOf, counts })
    }
  }
  for (const subtopology of topology.subtopologies) {
    const sources = sourceTopicsOf(subtopology)
    if (sources.length === 0) {
      throw invalidTopology(`No source topics found for subtopology ${subtopology.subtopologyId}`)
    }
    const most = Math.max(...sources.map(countOf))
    for (const { name } of subtopology.stateChangelogTopics) counts.set(name, most)
  }
  return counts
}

function invalidTopology(message: string): ProtocolError {
  return new ProtocolError('STREAMS_INVALID_TOPOLOGY', message)
}

/**
 * A repartition topic has as many partitions as the preceding subtopology has tasks, unless it sets
 * a count.
 */
function repartitionCounts({ subtopologies }: Topology, topics: TopicsView): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { repartitionSourceTopics } of subtopologies) {
    for (const { name, partitions } of repartitionSourceTopics) {
      if (partitions !== 0) counts.set(name, partitions)
    }
  }
  for (let isOpen = true; isOpen; ) {
    isOpen = false
    let hasProgress = false
    for (const subtopology of subtopologies) {
      for (const sink of subtopology.repartitionSinkTopics) {
        if (counts.has(sink)) continue
        const known = sourceTopicsOf(subtopology).flatMap(
          (name) => counts.get(name) ?? topics.byName(name)?.partitionCount ?? [],
        )
        if (known.length === 0) isOpen = true
        else {
          counts.set(sink, Math.max(...known))
          hasProgress = true
        }
      }
    }
    if (isOpen && !hasProgress) {
      throw invalidTopology(
        'Failed to compute number of partitions for all repartition topics. There may be loops in the topology that cannot be resolved.',
      )
    }
  }
  for (const { repartitionSourceTopics } of subtopologies) {
    if (repartitionSourceTopics.some(({ name }) => !counts.has(name))) {
      throw invalidTopology(
        'Failed to compute number of partitions for all repartition topics, because a repartition source topic is never used as a sink topic.',
      )
    }
  }
  return counts
}

function copartitionGroups(subtopology: Subtopology): Set<string>[] {
  const { sourceTopics, repartitionSourceTopics } = subtopology
  return subtopology.copartitionGroups.map(
    (group) =>
      new Set([
        ...group.sourceTopics.map((i) => sourceTopics[i] ?? ''),
        ...group.repartitionSourceTopics.map((i) => repartitionSourceTopics[i]?.name ?? ''),
      ]),
  )
}

/** Requires topics that are joined to have equal partition counts. */
function copartition(
  group: ReadonlySet<string>,
  context: {
    readonly fixed: ReadonlySet<string>
    readonly flexible: ReadonlySet<string>
    readonly countOf: (name: string) => number
    /** Partition counts of repartition topics, changed to the count of the others. */
    readonly counts: Map<string, number>
  },
): void {
  const { fixed, flexible, countOf, counts } = context
  const names = [...group]
  const internal = names.filter((name) => fixed.has(name) || flexible.has(name))
  const external = names.filter((name) => !internal.includes(name))
  const decisive = external.length > 0 ? external : [...fixed]
  const wanted =
    decisive.length > 0
      ? sameCount(decisive, countOf, external.length > 0 ? external : internal)
      : Math.max(...internal.map(countOf))
  for (const name of internal) {
    if (fixed.has(name) && countOf(name) !== wanted) {
      throw new TopicProblem(
        StatusCode.incorrectlyPartitionedTopics,
        `Number of partitions [${countOf(name)}] of repartition topic [${name}] doesn't match number of partitions [${wanted}] of the source topic.`,
      )
    }
    counts.set(name, wanted)
  }
}

function sameCount(
  names: readonly string[],
  countOf: (name: string) => number,
  shown: readonly string[],
): number {
  const [first = ''] = names
  const count = countOf(first)
  if (names.some((name) => countOf(name) !== count)) {
    const list = [...shown].sort().map((name) => `${name}=${countOf(name)}`)
    throw new TopicProblem(
      StatusCode.incorrectlyPartitionedTopics,
      `Following topics do not have the same number of partitions: [{${list.join(', ')}}]`,
    )
  }
  return count
}

function missingTopics(
  { subtopologies }: Topology,
  topics: TopicsView,
  internal: ReadonlyMap<string, number>,
): NewTopic[] {
  const infos = new Map(
    subtopologies
      .flatMap((each) => [...each.repartitionSourceTopics, ...each.stateChangelogTopics])
      .map((info) => [info.name, info] as const),
  )
  const missing: NewTopic[] = []
  for (const [name, info] of infos) {
    const numPartitions = info.partitions !== 0 ? info.partitions : (internal.get(name) ?? 0)
    const existing = topics.byName(name)
    if (existing === undefined) {
      missing.push({
        name,
        numPartitions,
        replicationFactor: info.replicationFactor === 0 ? -1 : info.replicationFactor,
        assignments: [],
        configs: info.topicConfigs.map(({ key, value }) => ({ name: key, value })),
      })
    } else if (existing.partitionCount !== numPartitions) {
      throw new TopicProblem(
        StatusCode.incorrectlyPartitionedTopics,
        `Existing topic ${name} has different number of partitions: expected ${numPartitions}, found ${existing.partitionCount}`,
      )
    }
  }
  return missing
}
