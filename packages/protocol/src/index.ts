// SPDX-License-Identifier: Apache-2.0
export {
  type Acl,
  AclOperation,
  CLUSTER_NAME,
  PatternType,
  PermissionType,
  ResourceType,
  WILDCARD,
} from './acl/acl-types.ts'
export {
  type Action,
  type Decision,
  type Rule,
  StandardAuthorizer,
  type Subject,
} from './acl/authorizer.ts'
export { cidrProblem, hostText } from './acl/host-matcher.ts'
export { type Codec, codecOf, decodeMessage, encodeMessage } from './codec/codec.ts'
export {
  CompressionType,
  compress,
  compressionOfId,
  decompress,
  decompressExactly,
} from './compression/compression.ts'
export { DecompressedTooLargeError } from './compression/decompressed-too-large-error.ts'
export { ErrorCode, type ErrorName, errorName, isRetriable } from './error-codes.ts'
export {
  type RequestHeader,
  readRequestHeader,
  readResponseHeader,
  skipHeaderTags,
  writeRequestHeader,
  writeResponseHeader,
} from './header.ts'
export { ProtocolError } from './protocol-error.ts'
export {
  type BuilderHeader,
  RecordBatchBuilder,
  type RecordBytes,
  sealBatch,
} from './records/batch-builder.ts'
export { crc32c } from './records/crc32c.ts'
export {
  type BatchOptions,
  buildBatch,
  type NewRecord,
  type Record,
  type RecordHeader,
  readRecords,
} from './records/record.ts'
export {
  type BatchHeaderFields,
  frameBatch,
  hasWholeBatch,
  incrementSequence,
  LOG_OVERHEAD,
  MAGIC_V2,
  NO_PRODUCER_ID,
  NO_TIMESTAMP,
  RECORD_BATCH_HEADER_SIZE,
  RecordBatch,
  recordBatches,
} from './records/record-batch.ts'
export { MalformedVarintError, RecordCursor } from './records/record-cursor.ts'
export { type Api, ApiKey, type ApiName, apis } from './schemas/apis.ts'
export * from './schemas/messages.ts'
export * from './schemas/records/consumer-protocol.ts'
export * from './schemas/records/control.ts'
export * from './schemas/records/group-coordinator.ts'
export * from './schemas/records/metadata.ts'
export * from './schemas/records/share-coordinator.ts'
export * from './schemas/records/transaction-coordinator.ts'
export {
  type FieldSchema,
  inVersions,
  type MessageInput,
  type MessageOf,
  type MessageSchema,
  type VersionRange,
  versionBounds,
  ZERO_UUID,
} from './schemas/schema.ts'
