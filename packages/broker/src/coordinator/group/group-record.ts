// SPDX-License-Identifier: Apache-2.0
import { ByteReader, ByteWriter } from '@millrace/base'
import {
  codecOf,
  decodeMessage,
  GroupMetadataKey,
  GroupMetadataValue,
  LegacyOffsetCommitKey,
  type MessageInput,
  type MessageOf,
  type MessageSchema,
  OffsetCommitKey,
  OffsetCommitValue,
} from '@millrace/protocol'

/** A record of `__consumer_offsets`; a null value is a tombstone. */
export type GroupRecord =
  | {
      readonly kind: 'offsetCommit'
      readonly key: { readonly group: string; readonly topic: string; readonly partition: number }
      readonly value: MessageInput<typeof OffsetCommitValue> | null
    }
  | {
      readonly kind: 'groupMetadata'
      readonly key: { readonly group: string }
      readonly value: MessageInput<typeof GroupMetadataValue> | null
    }

export type ReplayedGroupRecord =
  | {
      readonly kind: 'offsetCommit'
      readonly key: { readonly group: string; readonly topic: string; readonly partition: number }
      readonly value: MessageOf<typeof OffsetCommitValue> | null
    }
  | {
      readonly kind: 'groupMetadata'
      readonly key: { readonly group: string }
      readonly value: MessageOf<typeof GroupMetadataValue> | null
    }
  /** Kept in the log, and of no use to this version. */
  | { readonly kind: 'other' }

const GROUP_METADATA_VERSION = 3
const OFFSET_COMMIT_VERSION = 4
/** The last version with an expiry of its own, which only clients of Kafka before 2.1 send. */
const OFFSET_COMMIT_VERSION_WITH_EXPIRY = 1

function prefixed<S extends MessageSchema>(
  prefix: number,
  schema: S,
  version: number,
  data: MessageInput<S>,
): Buffer {
  const writer = new ByteWriter(128)
  writer.int16(prefix)
  codecOf(schema, version).encode(writer, data)
  return writer.toBuffer()
}

/** Key: type and body. Value: version and body. */
export function encodeGroupRecord(record: GroupRecord): {
  readonly key: Buffer
  readonly value: Buffer | null
} {
  if (record.kind === 'groupMetadata') {
    return {
      key: prefixed(GroupMetadataKey.apiKey, GroupMetadataKey, 0, record.key),
      value:
        record.value === null
          ? null
          : prefixed(
              GROUP_METADATA_VERSION,
              GroupMetadataValue,
              GROUP_METADATA_VERSION,
              record.value,
            ),
    }
  }
  const key = prefixed(OffsetCommitKey.apiKey, OffsetCommitKey, 0, record.key)
  if (record.value === null) return { key, value: null }
  const expires = (record.value.expireTimestamp ?? -1n) >= 0n
  const version = expires ? OFFSET_COMMIT_VERSION_WITH_EXPIRY : OFFSET_COMMIT_VERSION
  const value = expires ? { ...record.value, leaderEpoch: -1, topicId: undefined } : record.value
  return { key, value: prefixed(version, OffsetCommitValue, version, value) }
}

export function decodeGroupRecord(key: Buffer, value: Buffer | null): ReplayedGroupRecord {
  const type = key.readInt16BE(0)
  const body = key.subarray(2)
  if (type === GroupMetadataKey.apiKey) {
    return {
      kind: 'groupMetadata',
      key: decodeMessage(GroupMetadataKey, 0, body),
      value: value === null ? null : decodeValue(GroupMetadataValue, value),
    }
  }
  if (type === OffsetCommitKey.apiKey || type === LegacyOffsetCommitKey.apiKey) {
    return {
      kind: 'offsetCommit',
      key: decodeMessage(OffsetCommitKey, 0, body),
      value: value === null ? null : decodeValue(OffsetCommitValue, value),
    }
  }
  return { kind: 'other' }
}

function decodeValue<S extends MessageSchema>(schema: S, value: Buffer): MessageOf<S> {
  const reader = new ByteReader(value)
  const version = reader.int16()
  return codecOf(schema, version).decode(reader)
}
