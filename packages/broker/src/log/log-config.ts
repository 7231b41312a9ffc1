// SPDX-License-Identifier: Apache-2.0
import type { CompressionType } from '@millrace/protocol'
import type { SchemaRules } from '../record-schemas/schema-lookup.ts'

/**
 * Topic configuration in the form used by the log; keys are Kafka's in camel case, with the unit
 * last.
 */
export interface LogConfig {
  readonly cleanupPolicy: { readonly compact: boolean; readonly delete: boolean }
  readonly compressionType: CompressionType | 'producer'
  readonly compressionLevels: {
    readonly gzip: number | undefined
    readonly lz4: number | undefined
    readonly zstd: number | undefined
  }
  readonly deleteRetentionMs: number
  /** `undefined`: every append is flushed before it is acknowledged with `acks=all`. */
  readonly flushMessages: number | undefined
  readonly flushMs: number | undefined
  readonly indexIntervalBytes: number
  readonly maxCompactionLagMs: number
  /** Limit for one record of a compressed batch. */
  readonly maxDecompressedMessageBytes: number
  readonly maxMessageBytes: number
  readonly messageTimestampAfterMaxMs: number
  readonly messageTimestampBeforeMaxMs: number
  readonly messageTimestampType: 'CreateTime' | 'LogAppendTime'
  readonly minCleanableDirtyRatio: number
  readonly minCompactionLagMs: number
  readonly retentionBytes: number
  readonly retentionMs: number
  readonly segmentBytes: number
  readonly segmentIndexBytes: number
  readonly segmentJitterMs: number
  readonly segmentMs: number
  /** Undefined if records need no schema. */
  readonly schemaRules: SchemaRules | undefined
}
