// SPDX-License-Identifier: Apache-2.0
import { type Logger, MillraceError, systemErrorCode, type World } from '@millrace/base'
import {
  buildBatch,
  decodeMessage,
  encodeMessage,
  LeaderChangeMessage,
  type MessageOf,
  ProtocolError,
  RecordBatch,
  readRecords,
  VotersRecord,
} from '@millrace/protocol'
import { writePartitionMetadata } from '../log/checkpoint-files.ts'
import { ControlType, controlBatch } from '../log/control-batch.ts'
import type { LogConfig } from '../log/log-config.ts'
import { METADATA_DIRECTORY } from '../log/partition-directory.ts'
import { PartitionLog } from '../log/partition-log.ts'
import { systemMessage } from '../log/storage-error.ts'
import { MetadataImage } from './metadata-image.ts'
import {
  decodeMetadataRecord,
  encodeMetadataRecord,
  type MetadataRecord,
  type NewMetadataRecord,
} from './metadata-record.ts'
import { supportedFeatures } from './metadata-version.ts'
import { readQuorumState, writeQuorumState } from './quorum-state.ts'
import {
  listSnapshots,
  readSnapshot,
  type SnapshotId,
  snapshotPath,
  writeSnapshot,
} from './snapshot-file.ts'
import { votersControlRecords } from './voters.ts'

/** Topic id of `__cluster_metadata` in Kafka. */
const METADATA_TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAQ'
/** Kafka's limit for one batch of the metadata log. */
const MAX_BATCH_BYTES = 4 * 1024 * 1024

/** Decision of a metadata operation: records to append, and the reply once they are durable. */
export interface Decision<Reply> {
  readonly records: readonly NewMetadataRecord[]
  readonly reply: Reply
  /** The answer when the records cannot be written; without it, the error is thrown. */
  readonly refused?: (error: ProtocolError) => Reply
}

export interface MetadataStoreOptions {
  readonly world: World
  readonly logger: Logger
  /** `metadata.log.dir`, or the first of `log.dirs`. */
  readonly directory: string
  readonly nodeId: number
  readonly durable: boolean
  readonly snapshotBytes: number
  /** Called when the log cannot be used any more. */
  readonly onFailure: (error: ProtocolError) => void
  /** Records and voters for a log without features; undefined if a log must already exist. */
  readonly format:
    | {
        readonly records: readonly NewMetadataRecord[]
        readonly voters: MessageOf<typeof VotersRecord>
      }
    | undefined
}

const metadataLogConfig: LogConfig = {
  cleanupPolicy: { compact: false, delete: false },
  compressionType: 'producer',
  compressionLevels: { gzip: undefined, lz4: undefined, zstd: undefined },
  deleteRetentionMs: 0,
  flushMessages: undefined,
  flushMs: undefined,
  indexIntervalBytes: 4096,
  maxCompactionLagMs: Number.MAX_SAFE_INTEGER,
  maxDecompressedMessageBytes: 0x7fffffff,
  maxMessageBytes: 8 * 1024 * 1024,
  messageTimestampAfterMaxMs: Number.MAX_SAFE_INTEGER,
  messageTimestampBeforeMaxMs: Number.MAX_SAFE_INTEGER,
  messageTimestampType: 'CreateTime',
  minCleanableDirtyRatio: 0.5,
  minCompactionLagMs: 0,
  retentionBytes: -1,
  retentionMs: -1,
  segmentBytes: 1024 * 1024 * 1024,
  segmentIndexBytes: 10 * 1024 * 1024,
  segmentJitterMs: 0,
  segmentMs: 604_800_000,
  schemaRules: undefined,
}

/**
 * The metadata as a KRaft log: each change is appended, synced, then applied to the image, one at a
 * time.
 */
export class MetadataStore {
  readonly image = new MetadataImage()
  readonly #options: MetadataStoreOptions
  readonly #directory: string
  readonly #log: PartitionLog
  #voters: MessageOf<typeof VotersRecord> | undefined
  #leaderEpoch = 0
  #bytesSinceSnapshot = 0
  #wasFormatted = false
  #queue: Promise<unknown> = Promise.resolve()
  readonly #preparers: ((records: readonly NewMetadataRecord[]) => () => void)[] = []
  readonly #listeners: ((records: readonly MetadataRecord[]) => void)[] = []

  private constructor(options: MetadataStoreOptions) {
    this.#options = options
    this.#directory = `${options.directory}/${METADATA_DIRECTORY}`
    const { fileSystem } = options.world
    fileSystem.makeDirectory(this.#directory)
    const [newest] = listSnapshots(fileSystem, this.#directory)
    this.#log = PartitionLog.open({
      world: options.world,
      logger: options.logger,
      directory: this.#directory,
      name: METADATA_DIRECTORY,
      config: metadataLogConfig,
      // The log is small and essential: it is checked completely at every start.
      wasClean: false,
      recoveryPoint: 0n,
      logStartOffset: newest?.endOffset ?? 0n,
      durable: options.durable,
      onFailure: options.onFailure,
    })
  }

  static async open(options: MetadataStoreOptions): Promise<MetadataStore> {
    const store = new MetadataStore(options)
    try {
      store.#replay()
      await store.#lead()
      return store
    } catch (error) {
      store.abandon()
      throw error
    }
  }

  /** Whether the log was created by this run. */
  get wasFormatted(): boolean {
    return this.#wasFormatted
  }
  get leaderEpoch(): number {
    return this.#leaderEpoch
  }
  get endOffset(): bigint {
    return this.#log.logEndOffset
  }
  /** 1 if the voters are in the log, 0 if they come from the configuration. */
  get kraftVersion(): number {
    return this.#voters === undefined ? 0 : 1
  }

  /** Endpoints of the voters in the log; none if the voters come from the configuration. */
  get voterEndpoints(): readonly {
    readonly name: string
    readonly host: string
    readonly port: number
  }[] {
    return this.#voters?.voters[0]?.endpoints ?? []
  }

  /**
   * Called before records are appended, for steps that may fail; throws to reject the records. The
   * returned function reverts these steps if the records cannot be appended.
   */
  onPrepare(listener: (records: readonly NewMetadataRecord[]) => () => void): void {
    this.#preparers.push(listener)
  }

  /** Called after records were applied. */
  onChange(listener: (records: readonly MetadataRecord[]) => void): void {
    this.#listeners.push(listener)
  }

  #replay(): void {
    const { fileSystem } = this.#options.world
    let from = 0n
    for (const id of listSnapshots(fileSystem, this.#directory)) {
      if (id.endOffset > this.#log.logEndOffset && id.endOffset !== 0n && this.#log.size > 0)
        continue
      const batches = this.#readSnapshot(id)
      if (batches === undefined) continue
      for (const batch of batches) this.#applyBatch(batch)
      from = id.endOffset
      break
    }
    for (const batch of this.#log.batches(from)) {
      this.#applyBatch(batch)
      this.#leaderEpoch = Math.max(this.#leaderEpoch, batch.partitionLeaderEpoch)
      this.#bytesSinceSnapshot += batch.size
    }
    this.#checkFeatures()
  }

  /** Batches of a snapshot, or undefined if it is corrupt and the log has those before it. */
  #readSnapshot(id: SnapshotId): RecordBatch[] | undefined {
    const { world, logger } = this.#options
    const others = listSnapshots(world.fileSystem, this.#directory)
    const hasOlder =
      this.#log.logStartOffset === 0n ||
      others.some(
        ({ endOffset }) => endOffset < id.endOffset && endOffset >= this.#log.logStartOffset,
      )
    try {
      return readSnapshot(world.fileSystem, this.#directory, id)
    } catch (error) {
      if (!hasOlder || systemErrorCode(error) !== undefined) throw error
      logger.warn('passed over a damaged snapshot of the metadata', {
        error: systemMessage(error),
      })
      return undefined
    }
  }

  #checkFeatures(): void {
    for (const [name, level] of this.image.features) {
      const supported = supportedFeatures.get(name)
      if (supported !== undefined && level >= supported.min && level <= supported.max) continue
      const allowed =
        supported === undefined
          ? 'it is not supported'
          : `supported levels are ${supported.min} to ${supported.max}`
      throw new MillraceError(
        'MILLRACE_UNSUPPORTED_FEATURE',
        `data directory ${this.#options.directory} needs feature ${name} at level ${level}; ${allowed}`,
      )
    }
  }

  #applyBatch(batch: RecordBatch): void {
    for (const record of readRecords(batch)) {
      if (!batch.isControl) {
        if (record.value !== null) this.image.apply(decodeMetadataRecord(record.value))
      } else if (record.key?.readInt16BE(2) === ControlType.voters && record.value !== null) {
        this.#voters = decodeMessage(VotersRecord, 0, record.value)
      }
    }
  }

  /** Starts a new leader epoch, so that Kafka sees which node wrote what follows. */
  async #lead(): Promise<void> {
    const { world, format, nodeId } = this.#options
    const { fileSystem } = world
    const previous = readQuorumState(fileSystem, this.#directory)
    this.#leaderEpoch = Math.max(this.#leaderEpoch, previous?.leaderEpoch ?? 0) + 1
    // Includes a format that was interrupted before its records: features are the first of them.
    const isNew = this.image.metadataVersion === 0
    if (isNew && format === undefined) {
      throw new MillraceError(
        'MILLRACE_NO_METADATA',
        `${this.#options.directory} has partitions but no metadata log`,
      )
    }
    if (isNew) this.#voters = format?.voters
    writePartitionMetadata(fileSystem, this.#directory, METADATA_TOPIC_ID)
    const dataVersion = this.#voters === undefined ? 0 : 1
    writeQuorumState(fileSystem, this.#directory, {
      leaderEpoch: this.#leaderEpoch,
      dataVersion,
      nodeId,
    })
    // Kafka reads this record as version 0, whatever the quorum.
    const leaderChange = encodeMessage(LeaderChangeMessage, 0, {
      version: 0,
      leaderId: nodeId,
      voters: [{ voterId: nodeId }],
      grantingVoters: [{ voterId: nodeId }],
    })
    this.#appendControl([
      { type: ControlType.leaderChange, value: leaderChange },
      ...(isNew ? votersControlRecords(this.#voters) : []),
    ])
    await this.#log.flush()
    if (isNew && format !== undefined) {
      await this.propose(() => ({ records: format.records, reply: undefined }))
      this.#wasFormatted = true
    }
  }

  #appendControl(records: readonly { readonly type: number; readonly value: Buffer }[]): void {
    const batch = controlBatch(records, {
      baseOffset: this.#log.logEndOffset,
      leaderEpoch: this.#leaderEpoch,
      timestamp: BigInt(this.#options.world.clock.now()),
    })
    this.#log.append([new RecordBatch(batch)], this.#leaderEpoch)
  }

  /**
   * Runs an operation after all earlier ones: `decide` sees their effects. Its records are one
   * atomic batch; the reply is returned when they are durable and applied.
   */
  propose<Reply>(decide: (image: MetadataImage) => Decision<Reply>): Promise<Reply> {
    const result = this.#queue.then(async () => {
      const { records, reply, refused } = decide(this.image)
      try {
        if (records.length > 0) await this.#prepareAndCommit(records)
        return reply
      } catch (error) {
        if (refused === undefined || !(error instanceof ProtocolError)) throw error
        return refused(error)
      }
    })
    this.#queue = result.catch(() => undefined)
    return result
  }

  async #prepareAndCommit(records: readonly NewMetadataRecord[]): Promise<void> {
    const undos: (() => void)[] = []
    try {
      for (const prepare of this.#preparers) undos.push(prepare(records))
      await this.#append(records)
    } catch (error) {
      for (const undo of undos) undo()
      throw error
    }
    const applied = records.map((record) => decodeMetadataRecord(encodeMetadataRecord(record)))
    for (const record of applied) this.image.apply(record)
    for (const listener of this.#listeners) {
      try {
        listener(applied)
      } catch (error) {
        this.#options.logger.error('following the metadata failed', { error })
      }
    }
    if (this.#bytesSinceSnapshot > this.#options.snapshotBytes) this.#snapshot()
  }

  async #append(records: readonly NewMetadataRecord[]): Promise<void> {
    const timestamp = BigInt(this.#options.world.clock.now())
    const encoded = records.map(encodeMetadataRecord)
    const batches: RecordBatch[] = []
    let part: Buffer[] = []
    let size = 0
    const close = (): void => {
      if (part.length === 0) return
      const batch = buildBatch(part.map((value) => ({ timestamp, key: null, value })))
      batches.push(new RecordBatch(batch))
      part = []
      size = 0
    }
    for (const value of encoded) {
      if (size + value.length > MAX_BATCH_BYTES) close()
      part.push(value)
      size += value.length + 16
    }
    close()
    this.#log.append(batches, this.#leaderEpoch)
    await this.#log.flush()
    for (const batch of batches) this.#bytesSinceSnapshot += batch.size
  }

  /**
   * Writes a snapshot, and deletes the log before the previous one. If that fails, the log keeps
   * its length and the next attempt is made after as many bytes again.
   */
  #snapshot(): void {
    this.#bytesSinceSnapshot = 0
    try {
      this.#writeSnapshot()
    } catch (error) {
      this.#options.logger.error('could not write a snapshot of the metadata', {
        error: systemMessage(error),
      })
    }
  }

  #writeSnapshot(): void {
    const { fileSystem, clock } = this.#options.world
    const older = listSnapshots(fileSystem, this.#directory)
    writeSnapshot(fileSystem, this.#directory, {
      id: { endOffset: this.#log.logEndOffset, epoch: this.#leaderEpoch },
      records: this.image.snapshot(),
      voters: this.#voters,
      timestamp: BigInt(clock.now()),
    })
    this.#log.roll()
    const [previous, ...stale] = older
    if (previous !== undefined && previous.endOffset > 0n) {
      this.#log.advanceLogStart(previous.endOffset)
      this.#log.enforceRetention(clock.now())
    }
    for (const id of stale) fileSystem.remove(snapshotPath(this.#directory, id))
  }

  async close(): Promise<void> {
    await this.#queue
    await this.#log.close()
  }

  /** Stops at once and leaves the files as a crash would. For tests. */
  abandon(): void {
    this.#log.abandon()
  }
}
