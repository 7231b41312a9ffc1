// SPDX-License-Identifier: Apache-2.0
import { ByteReader, ByteWriter, MillraceError } from '@millrace/base'
import {
  AbortTransactionRecord,
  AccessControlEntryRecord,
  BeginTransactionRecord,
  BrokerRegistrationChangeRecord,
  ClearElrRecord,
  ClientQuotaRecord,
  ConfigRecord,
  codecOf,
  DelegationTokenRecord,
  EndTransactionRecord,
  FeatureLevelRecord,
  FenceBrokerRecord,
  type MessageInput,
  type MessageOf,
  type MessageSchema,
  NoOpRecord,
  PartitionChangeRecord,
  PartitionRecord,
  ProducerIdsRecord,
  RegisterBrokerRecord,
  RegisterControllerRecord,
  RemoveAccessControlEntryRecord,
  RemoveDelegationTokenRecord,
  RemoveTopicRecord,
  RemoveUserScramCredentialRecord,
  TopicRecord,
  UnfenceBrokerRecord,
  UnregisterBrokerRecord,
  UnregisterControllerRecord,
  UserScramCredentialRecord,
  ZkMigrationStateRecord,
} from '@millrace/protocol'

const schemas = {
  RegisterBrokerRecord,
  UnregisterBrokerRecord,
  TopicRecord,
  PartitionRecord,
  ConfigRecord,
  PartitionChangeRecord,
  AccessControlEntryRecord,
  FenceBrokerRecord,
  UnfenceBrokerRecord,
  RemoveTopicRecord,
  DelegationTokenRecord,
  UserScramCredentialRecord,
  FeatureLevelRecord,
  ClientQuotaRecord,
  ProducerIdsRecord,
  BrokerRegistrationChangeRecord,
  RemoveAccessControlEntryRecord,
  NoOpRecord,
  ZkMigrationStateRecord,
  RemoveUserScramCredentialRecord,
  BeginTransactionRecord,
  EndTransactionRecord,
  AbortTransactionRecord,
  RemoveDelegationTokenRecord,
  RegisterControllerRecord,
  ClearElrRecord,
  UnregisterControllerRecord,
} as const satisfies Readonly<Record<string, MessageSchema>>
type Schemas = typeof schemas
export type MetadataRecordKind = keyof Schemas

/**
 * A decoded record of `__cluster_metadata`, discriminated by `kind`, with the version it was
 * written in.
 */
export type MetadataRecord = {
  [K in MetadataRecordKind]: {
    readonly kind: K
    readonly version: number
    readonly data: MessageOf<Schemas[K]>
  }
}[MetadataRecordKind]

export type NewMetadataRecord = {
  [K in MetadataRecordKind]: {
    readonly kind: K
    readonly version: number
    readonly data: MessageInput<Schemas[K]>
  }
}[MetadataRecordKind]

const kindOfKey = new Map<number, MetadataRecordKind>(
  Object.entries(schemas).map(([kind, schema]) => [schema.apiKey, kind as MetadataRecordKind]),
)

/** Version of the frame that precedes every metadata record. */
const FRAME_VERSION = 1

/**
 * Encodes the value of a record: frame version, type and version as unsigned varints, then the
 * body. The key is null.
 */
export function encodeMetadataRecord(record: NewMetadataRecord): Buffer {
  const writer = new ByteWriter(96)
  const schema: MessageSchema = schemas[record.kind]
  writer.uvarint(FRAME_VERSION)
  writer.uvarint(schema.apiKey ?? 0)
  writer.uvarint(record.version)
  codecOf(schema, record.version).encode(writer, record.data as MessageInput<MessageSchema>)
  return writer.toBuffer()
}

/** Throws `MILLRACE_UNKNOWN_METADATA` for a type or version that is newer than this program. */
export function decodeMetadataRecord(value: Buffer): MetadataRecord {
  const reader = new ByteReader(value)
  const frame = reader.uvarint()
  const key = reader.uvarint()
  const version = reader.uvarint()
  const kind = kindOfKey.get(key)
  if (frame !== FRAME_VERSION || kind === undefined) {
    throw new MillraceError(
      'MILLRACE_UNKNOWN_METADATA',
      `metadata record has frame ${frame} and type ${key}, which this version does not know`,
    )
  }
  const data = codecOf(schemas[kind] as MessageSchema, version).decode(reader)
  return { kind, version, data } as unknown as MetadataRecord
}
