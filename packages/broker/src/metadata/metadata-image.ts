// SPDX-License-Identifier: Apache-2.0
import type { MetadataRecord, NewMetadataRecord } from './metadata-record.ts'
import { type ClientQuotas, quotaEntityKey } from './security/client-quotas.ts'

export interface PartitionImage {
  readonly index: number
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
  readonly leader: number
  readonly leaderEpoch: number
  readonly partitionEpoch: number
  readonly directories: readonly string[]
  /** The record as read, for fields that are not used here. */
  readonly record: Extract<MetadataRecord, { readonly kind: 'PartitionRecord' }>
}

export interface TopicImage {
  readonly name: string
  readonly id: string
  /** By partition index, without gaps. */
  readonly partitions: readonly PartitionImage[]
}

/** ConfigResource types that have records. */
export const ConfigResourceType = {
  topic: 2,
  broker: 4,
  brokerLogger: 8,
  clientMetrics: 16,
  group: 32,
} as const

const NO_LEADER_CHANGE = -2

type UnusedKind =
  | 'AccessControlEntryRecord'
  | 'UserScramCredentialRecord'
  | 'ClientQuotaRecord'
  | 'DelegationTokenRecord'
type DataOf<K extends UnusedKind> = Extract<MetadataRecord, { readonly kind: K }>['data']

/**
 * The cluster metadata: the result of replaying `__cluster_metadata`, changed only by `apply`.
 * Record types that this version does not use are kept by key, so that a snapshot preserves
 * everything that Kafka wrote.
 */
export class MetadataImage {
  readonly #topics = new Map<string, { name: string; id: string; partitions: PartitionImage[] }>()
  readonly #topicNames = new Map<string, string>()
  readonly #configs = new Map<string, Map<string, string>>()
  readonly #features = new Map<string, number>()
  readonly #unused = new Map<string, MetadataRecord>()
  #nextProducerId = 0n
  #pending: MetadataRecord[] | undefined

  get topics(): ReadonlyMap<string, TopicImage> {
    return this.#topics
  }
  get features(): ReadonlyMap<string, number> {
    return this.#features
  }
  /** First unused producer id. */
  get nextProducerId(): bigint {
    return this.#nextProducerId
  }
  get metadataVersion(): number {
    return this.#features.get('metadata.version') ?? 0
  }

  topicById(id: string): TopicImage | undefined {
    const name = this.#topicNames.get(id)
    return name === undefined ? undefined : this.#topics.get(name)
  }

  configs(type: number, name: string): ReadonlyMap<string, string> {
    return this.#configs.get(`${type}:${name}`) ?? NO_CONFIGS
  }

  /** Names of the resources of a type that have configurations. */
  configuredResources(type: number): string[] {
    const prefix = `${type}:`
    return [...this.#configs.keys()]
      .filter((key) => key.startsWith(prefix))
      .map((key) => key.slice(prefix.length))
  }

  #unusedOf<K extends UnusedKind>(kind: K): DataOf<K>[] {
    return [...this.#unused.values()]
      .filter((record) => record.kind === kind)
      .map(({ data }) => data as unknown as DataOf<K>)
  }

  acls(): DataOf<'AccessControlEntryRecord'>[] {
    return this.#unusedOf('AccessControlEntryRecord')
  }

  scramCredentials(): DataOf<'UserScramCredentialRecord'>[] {
    return this.#unusedOf('UserScramCredentialRecord')
  }

  /** Credential of one user; undefined if the user has none for the mechanism. */
  scramCredential(
    mechanism: number,
    name: string,
  ): DataOf<'UserScramCredentialRecord'> | undefined {
    const record = this.#unused.get(`scram:${mechanism}:${name}`)
    return record?.kind === 'UserScramCredentialRecord' ? record.data : undefined
  }

  /** Delegation tokens. */
  delegationTokens(): DataOf<'DelegationTokenRecord'>[] {
    return this.#unusedOf('DelegationTokenRecord')
  }

  /** One delegation token. */
  delegationToken(tokenId: string): DataOf<'DelegationTokenRecord'> | undefined {
    const record = this.#unused.get(`token:${tokenId}`)
    return record?.kind === 'DelegationTokenRecord' ? record.data : undefined
  }

  /** Quotas of every entity that has any. */
  quotas(): ClientQuotas[] {
    const byEntity = Map.groupBy(this.#unusedOf('ClientQuotaRecord'), ({ entity }) =>
      quotaEntityKey(entity),
    )
    return [...byEntity.values()].map((records) => ({
      entity: records[0]?.entity ?? [],
      quotas: new Map(records.map(({ key, value }) => [key, value])),
    }))
  }

  apply(record: MetadataRecord): void {
    if (record.kind === 'BeginTransactionRecord') this.#pending = []
    else if (record.kind === 'AbortTransactionRecord') this.#pending = undefined
    else if (record.kind === 'EndTransactionRecord') {
      const records = this.#pending ?? []
      this.#pending = undefined
      for (const held of records) this.#replay(held)
    } else if (this.#pending !== undefined) this.#pending.push(record)
    else this.#replay(record)
  }

  #replay(record: MetadataRecord): void {
    switch (record.kind) {
      case 'TopicRecord':
        this.#topics.set(record.data.name, {
          name: record.data.name,
          id: record.data.topicId,
          partitions: [],
        })
        this.#topicNames.set(record.data.topicId, record.data.name)
        break
      case 'PartitionRecord':
        this.#setPartition(record.data.topicId, {
          index: record.data.partitionId,
          replicas: record.data.replicas,
          isr: record.data.isr,
          leader: record.data.leader,
          leaderEpoch: record.data.leaderEpoch,
          partitionEpoch: record.data.partitionEpoch,
          directories: record.data.directories,
          record,
        })
        break
      case 'PartitionChangeRecord':
        this.#changePartition(record.data)
        break
      case 'RemoveTopicRecord':
        this.#removeTopic(record.data.topicId)
        break
      case 'ConfigRecord':
        this.#setConfig(record.data)
        break
      case 'FeatureLevelRecord':
        if (record.data.featureLevel === 0) this.#features.delete(record.data.name)
        else this.#features.set(record.data.name, record.data.featureLevel)
        break
      case 'ProducerIdsRecord':
        this.#nextProducerId = record.data.nextProducerId
        break
      default:
        this.#keep(record)
    }
  }

  #setPartition(topicId: string, partition: PartitionImage): void {
    const topic = this.#topics.get(this.#topicNames.get(topicId) ?? '')
    if (topic !== undefined) topic.partitions[partition.index] = partition
  }

  #changePartition(
    change: Extract<MetadataRecord, { kind: 'PartitionChangeRecord' }>['data'],
  ): void {
    const old = this.topicById(change.topicId)?.partitions[change.partitionId]
    if (old === undefined) return
    const leaderChanged = change.leader !== NO_LEADER_CHANGE
    this.#setPartition(change.topicId, {
      ...old,
      replicas: change.replicas ?? old.replicas,
      isr: change.isr ?? old.isr,
      leader: leaderChanged ? change.leader : old.leader,
      leaderEpoch: leaderChanged ? old.leaderEpoch + 1 : old.leaderEpoch,
      partitionEpoch: old.partitionEpoch + 1,
      directories: change.directories ?? old.directories,
    })
  }

  #removeTopic(topicId: string): void {
    const name = this.#topicNames.get(topicId)
    if (name === undefined) return
    this.#topicNames.delete(topicId)
    this.#topics.delete(name)
    this.#configs.delete(`${ConfigResourceType.topic}:${name}`)
  }

  #setConfig(change: Extract<MetadataRecord, { kind: 'ConfigRecord' }>['data']): void {
    const key = `${change.resourceType}:${change.resourceName}`
    const configs = this.#configs.get(key) ?? new Map<string, string>()
    if (change.value === null) configs.delete(change.name)
    else configs.set(change.name, change.value)
    if (configs.size === 0) this.#configs.delete(key)
    else this.#configs.set(key, configs)
  }

  #keep(record: MetadataRecord): void {
    switch (record.kind) {
      case 'AccessControlEntryRecord':
        this.#unused.set(`acl:${record.data.id}`, record)
        break
      case 'RemoveAccessControlEntryRecord':
        this.#unused.delete(`acl:${record.data.id}`)
        break
      case 'UserScramCredentialRecord':
        this.#unused.set(`scram:${record.data.mechanism}:${record.data.name}`, record)
        break
      case 'RemoveUserScramCredentialRecord':
        this.#unused.delete(`scram:${record.data.mechanism}:${record.data.name}`)
        break
      case 'DelegationTokenRecord':
        this.#unused.set(`token:${record.data.tokenId}`, record)
        break
      case 'RemoveDelegationTokenRecord':
        this.#unused.delete(`token:${record.data.tokenId}`)
        break
      case 'ClientQuotaRecord': {
        const key = `quota:${quotaEntityKey(record.data.entity)}:${record.data.key}`
        if (record.data.remove) this.#unused.delete(key)
        else this.#unused.set(key, record)
        break
      }
      // Kafka's brokers and controllers register again at every start, so registrations are not
      // kept.
      default:
        break
    }
  }

  /** Records that turn an empty image into this one. Features come first, as Kafka requires. */
  *snapshot(): Generator<NewMetadataRecord> {
    const levels = [...this.#features].sort(([a], [b]) =>
      a === 'metadata.version' ? -1 : b === 'metadata.version' ? 1 : 0,
    )
    for (const [name, featureLevel] of levels) {
      yield { kind: 'FeatureLevelRecord', version: 0, data: { name, featureLevel } }
    }
    for (const topic of this.#topics.values()) {
      yield { kind: 'TopicRecord', version: 0, data: { name: topic.name, topicId: topic.id } }
      for (const partition of topic.partitions) {
        const { record } = partition
        yield {
          ...record,
          data: {
            ...record.data,
            replicas: [...partition.replicas],
            isr: [...partition.isr],
            leader: partition.leader,
            leaderEpoch: partition.leaderEpoch,
            partitionEpoch: partition.partitionEpoch,
            directories: [...partition.directories],
          },
        }
      }
    }
    for (const [key, configs] of this.#configs) {
      const colon = key.indexOf(':')
      for (const [name, value] of configs) {
        yield {
          kind: 'ConfigRecord',
          version: 0,
          data: {
            resourceType: Number(key.slice(0, colon)),
            resourceName: key.slice(colon + 1),
            name,
            value,
          },
        }
      }
    }
    if (this.#nextProducerId > 0n) {
      yield {
        kind: 'ProducerIdsRecord',
        version: 0,
        data: { brokerId: 0, brokerEpoch: -1n, nextProducerId: this.#nextProducerId },
      }
    }
    yield* this.#unused.values()
  }
}

const NO_CONFIGS: ReadonlyMap<string, string> = new Map()
