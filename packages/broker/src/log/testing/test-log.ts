// SPDX-License-Identifier: Apache-2.0
import { nodeWorld, silentLogger, type World } from '@millrace/base'
import { type BatchOptions, buildBatch, RecordBatch, readRecords } from '@millrace/protocol'
import { SimulatedDisk, seededRandom } from '@millrace/testkit'
import { BrokerConfig } from '../../config/broker-config.ts'
import { resolveLogConfig } from '../../config/topic-config.ts'
import type { LogConfig } from '../log-config.ts'
import { type LogOptions, PartitionLog } from '../partition-log.ts'

/** Time of a test log's clock at the start. */
export const START_MS = 1_700_000_000_000

/** A topic's configuration. */
export function logConfig(overrides: Readonly<Record<string, string>> = {}): LogConfig {
  const file = new BrokerConfig(new Map())
  const layers = { file, dynamic: new Map(), dynamicDefault: new Map() }
  return resolveLogConfig(new Map(Object.entries(overrides)), layers)
}

/** A record of a test batch: its value, or key, value and timestamp. */
export type TestRecord =
  | string
  | { readonly key?: string; readonly value: string | null; readonly timestamp?: number }

/** A batch of records; timestamps default to the start of the test log's clock. */
export function batchOf(records: readonly TestRecord[], options: BatchOptions = {}): RecordBatch {
  const all = records.map((record) => {
    const {
      key,
      value,
      timestamp = START_MS,
    } = typeof record === 'string' ? { value: record } : { key: undefined, ...record }
    return {
      timestamp: BigInt(timestamp ?? START_MS),
      key: key === undefined ? null : Buffer.from(key),
      value: value === null ? null : Buffer.from(value),
    }
  })
  return new RecordBatch(buildBatch(all, options))
}

/** A partition log on a simulated disk, which can be closed and opened again. */
export class TestLog {
  readonly directory = '/data/t-0'
  disk = new SimulatedDisk()
  nowMs = START_MS
  /** Errors that took the log directory offline. */
  readonly failures: string[] = []
  log: PartitionLog
  readonly #config: Readonly<Record<string, string>>

  constructor(config: Readonly<Record<string, string>> = {}, options: Partial<LogOptions> = {}) {
    this.#config = config
    this.log = this.#open({ wasClean: true, ...options })
  }

  get world(): World {
    const clock = { ...nodeWorld.clock, now: () => this.nowMs }
    return { ...nodeWorld, clock, random: seededRandom(1), fileSystem: this.disk }
  }

  #open(options: Partial<LogOptions>): PartitionLog {
    return PartitionLog.open({
      world: this.world,
      logger: silentLogger,
      directory: this.directory,
      name: 't-0',
      config: logConfig(this.#config),
      wasClean: false,
      recoveryPoint: 0n,
      logStartOffset: 0n,
      durable: true,
      onFailure: (error) => void this.failures.push(error.message),
      ...options,
    })
  }

  /** Opens the directory again, as a crash of the process left it unless `wasClean`. */
  reopen(
    options: Partial<LogOptions> = {},
    faultOf: SimulatedDisk['faultOf'] = () => undefined,
  ): PartitionLog {
    this.log.abandon()
    this.disk = this.disk.afterKill()
    this.disk.faultOf = faultOf
    this.log = this.#open(options)
    return this.log
  }

  append(...records: readonly TestRecord[]): void {
    this.log.append([batchOf(records)], 0)
  }

  path(name: string): string {
    return `${this.directory}/${name}`
  }

  /** Names of the files with a suffix, without leading zeros and suffix. */
  files(suffix: string): number[] {
    return this.disk
      .list(this.directory)
      .flatMap(({ name }) => (name.endsWith(suffix) ? [Number.parseInt(name, 10)] : []))
      .sort((a, b) => a - b)
  }

  /** Base offsets of the segments. */
  get segments(): number[] {
    return this.log.segments.map(({ baseOffset }) => Number(baseOffset))
  }

  /** All records as `offset:value`. */
  get records(): string[] {
    return [...this.log.batches(this.log.logStartOffset)].flatMap((batch) =>
      batch.isControl
        ? []
        : readRecords(batch).map(({ offset, value }) => `${offset}:${value ?? 'null'}`),
    )
  }
}
