// SPDX-License-Identifier: Apache-2.0
import {
  ConsumerGroupCurrentMemberAssignmentKey,
  ConsumerGroupCurrentMemberAssignmentValue,
  ConsumerGroupMemberMetadataKey,
  ConsumerGroupMemberMetadataValue,
  ConsumerGroupMetadataKey,
  ConsumerGroupMetadataValue,
  ConsumerGroupPartitionMetadataKey,
  ConsumerGroupPartitionMetadataValue,
  ConsumerGroupRegularExpressionKey,
  ConsumerGroupRegularExpressionValue,
  ConsumerGroupTargetAssignmentMemberKey,
  ConsumerGroupTargetAssignmentMemberValue,
  ConsumerGroupTargetAssignmentMetadataKey,
  ConsumerGroupTargetAssignmentMetadataValue,
  decodeMessage,
  GroupMetadataKey,
  GroupMetadataValue,
  LegacyOffsetCommitKey,
  type MessageInput,
  type MessageOf,
  type MessageSchema,
  OffsetCommitKey,
  OffsetCommitValue,
  ShareGroupCurrentMemberAssignmentKey,
  ShareGroupCurrentMemberAssignmentValue,
  ShareGroupMemberMetadataKey,
  ShareGroupMemberMetadataValue,
  ShareGroupMetadataKey,
  ShareGroupMetadataValue,
  ShareGroupStatePartitionMetadataKey,
  ShareGroupStatePartitionMetadataValue,
  ShareGroupTargetAssignmentMemberKey,
  ShareGroupTargetAssignmentMemberValue,
  ShareGroupTargetAssignmentMetadataKey,
  ShareGroupTargetAssignmentMetadataValue,
  StreamsGroupCurrentMemberAssignmentKey,
  StreamsGroupCurrentMemberAssignmentValue,
  StreamsGroupMemberMetadataKey,
  StreamsGroupMemberMetadataValue,
  StreamsGroupMetadataKey,
  StreamsGroupMetadataValue,
  StreamsGroupTargetAssignmentMemberKey,
  StreamsGroupTargetAssignmentMemberValue,
  StreamsGroupTargetAssignmentMetadataKey,
  StreamsGroupTargetAssignmentMetadataValue,
  StreamsGroupTopologyKey,
  StreamsGroupTopologyValue,
} from '@millrace/protocol'
import { decodeValue, encodeKey, encodeValue } from '../runtime/coordinator-record.ts'

/** Every type of record in `__consumer_offsets`, with the value version that Kafka 4.4.0 writes. */
const kinds = {
  offsetCommit: { key: OffsetCommitKey, value: OffsetCommitValue, version: 4 },
  groupMetadata: { key: GroupMetadataKey, value: GroupMetadataValue, version: 3 },
  consumerGroup: { key: ConsumerGroupMetadataKey, value: ConsumerGroupMetadataValue, version: 0 },
  /** Written only by Kafka before 4.0.1. */
  consumerGroupPartitions: {
    key: ConsumerGroupPartitionMetadataKey,
    value: ConsumerGroupPartitionMetadataValue,
    version: 0,
  },
  consumerMember: {
    key: ConsumerGroupMemberMetadataKey,
    value: ConsumerGroupMemberMetadataValue,
    version: 0,
  },
  consumerTarget: {
    key: ConsumerGroupTargetAssignmentMetadataKey,
    value: ConsumerGroupTargetAssignmentMetadataValue,
    version: 0,
  },
  consumerMemberTarget: {
    key: ConsumerGroupTargetAssignmentMemberKey,
    value: ConsumerGroupTargetAssignmentMemberValue,
    version: 0,
  },
  consumerMemberCurrent: {
    key: ConsumerGroupCurrentMemberAssignmentKey,
    value: ConsumerGroupCurrentMemberAssignmentValue,
    version: 0,
  },
  consumerRegex: {
    key: ConsumerGroupRegularExpressionKey,
    value: ConsumerGroupRegularExpressionValue,
    version: 0,
  },
  shareGroup: { key: ShareGroupMetadataKey, value: ShareGroupMetadataValue, version: 0 },
  shareMember: {
    key: ShareGroupMemberMetadataKey,
    value: ShareGroupMemberMetadataValue,
    version: 0,
  },
  shareTarget: {
    key: ShareGroupTargetAssignmentMetadataKey,
    value: ShareGroupTargetAssignmentMetadataValue,
    version: 0,
  },
  shareMemberTarget: {
    key: ShareGroupTargetAssignmentMemberKey,
    value: ShareGroupTargetAssignmentMemberValue,
    version: 0,
  },
  shareMemberCurrent: {
    key: ShareGroupCurrentMemberAssignmentKey,
    value: ShareGroupCurrentMemberAssignmentValue,
    version: 0,
  },
  shareStatePartitions: {
    key: ShareGroupStatePartitionMetadataKey,
    value: ShareGroupStatePartitionMetadataValue,
    version: 0,
  },
  streamsGroup: { key: StreamsGroupMetadataKey, value: StreamsGroupMetadataValue, version: 0 },
  streamsMember: {
    key: StreamsGroupMemberMetadataKey,
    value: StreamsGroupMemberMetadataValue,
    version: 0,
  },
  streamsTopology: { key: StreamsGroupTopologyKey, value: StreamsGroupTopologyValue, version: 0 },
  streamsTarget: {
    key: StreamsGroupTargetAssignmentMetadataKey,
    value: StreamsGroupTargetAssignmentMetadataValue,
    version: 0,
  },
  streamsMemberTarget: {
    key: StreamsGroupTargetAssignmentMemberKey,
    value: StreamsGroupTargetAssignmentMemberValue,
    version: 0,
  },
  streamsMemberCurrent: {
    key: StreamsGroupCurrentMemberAssignmentKey,
    value: StreamsGroupCurrentMemberAssignmentValue,
    version: 0,
  },
} as const satisfies Record<
  string,
  { readonly key: MessageSchema; readonly value: MessageSchema; readonly version: number }
>

type Kinds = typeof kinds
export type GroupRecordKind = keyof Kinds

/** A record of `__consumer_offsets`; a null value is a tombstone. */
export type GroupRecord = {
  [K in GroupRecordKind]: {
    readonly kind: K
    readonly key: MessageInput<Kinds[K]['key']>
    readonly value: MessageInput<Kinds[K]['value']> | null
  }
}[GroupRecordKind]

export type ReplayedGroupRecord =
  | {
      [K in GroupRecordKind]: {
        readonly kind: K
        readonly key: MessageOf<Kinds[K]['key']>
        readonly value: MessageOf<Kinds[K]['value']> | null
      }
    }[GroupRecordKind]
  /** Kept in the log, unused by this version. */
  | { readonly kind: 'other' }

/** A replayed record of one type. */
export type ReplayedRecord<K extends GroupRecordKind> = Extract<
  ReplayedGroupRecord,
  { readonly kind: K }
>

/** The last version with an expiry timestamp, which only clients older than Kafka 2.1 send. */
const OFFSET_COMMIT_VERSION_WITH_EXPIRY = 1

const kindByType: ReadonlyMap<number, GroupRecordKind> = new Map([
  ...(Object.keys(kinds) as GroupRecordKind[]).map(
    (kind) => [kinds[kind].key.apiKey, kind] as const,
  ),
  [LegacyOffsetCommitKey.apiKey, 'offsetCommit'] as const,
])

/** Key: type and body. Value: version and body. */
export function encodeGroupRecord(record: GroupRecord): {
  readonly key: Buffer
  readonly value: Buffer | null
} {
  const schemas: { readonly key: MessageSchema; readonly value: MessageSchema } = kinds[record.kind]
  const key = encodeKey(schemas.key, record.key as MessageInput<MessageSchema>)
  if (record.value === null) return { key, value: null }
  if (record.kind === 'offsetCommit' && (record.value.expireTimestamp ?? -1n) >= 0n) {
    const value = { ...record.value, leaderEpoch: -1, topicId: undefined }
    return { key, value: encodeValue(OffsetCommitValue, OFFSET_COMMIT_VERSION_WITH_EXPIRY, value) }
  }
  const value = record.value as MessageInput<MessageSchema>
  return { key, value: encodeValue(schemas.value, kinds[record.kind].version, value) }
}

export function decodeGroupRecord(key: Buffer, value: Buffer | null): ReplayedGroupRecord {
  const kind = kindByType.get(key.readInt16BE(0))
  if (kind === undefined) return { kind: 'other' }
  const schemas: { readonly key: MessageSchema; readonly value: MessageSchema } = kinds[kind]
  return {
    kind,
    key: decodeMessage(schemas.key, 0, key.subarray(2)),
    value: value === null ? null : decodeValue(schemas.value, value),
  } as ReplayedGroupRecord
}
