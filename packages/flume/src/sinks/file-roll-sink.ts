// SPDX-License-Identifier: Apache-2.0
import { type FileHandle, mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import { elementAt, type Timer } from '@millrace/base'
import type { TakeTransaction } from '../channel.ts'
import { type ComponentContext, defineSink, type Sink } from '../component.ts'
import {
  boolean,
  choice,
  integer,
  partType,
  prefixed,
  requiredText,
  text,
  type ValuesOf,
} from '../config/keys.ts'
import { pathOf } from '../config/paths.ts'
import { DeliveryError, reasonOf } from '../errors.ts'
import type { Event } from '../event.ts'
import {
  acceptedCount,
  checkSerializer,
  type EventSerializer,
  type FileSerializers,
  fileSerializers,
} from '../serialization/serializers.ts'
import { writeWhole } from './write-whole.ts'

const keys = {
  directory: requiredText({ key: 'sink.directory' }),
  pathManager: choice(['DEFAULT', 'ROLLTIME'], 'DEFAULT', { key: 'sink.pathManager' }),
  extension: text('', { key: 'sink.pathManager.extension' }),
  prefix: text('', { key: 'sink.pathManager.prefix' }),
  rollInterval: integer(30, { key: 'sink.rollInterval', min: 0, isFloor: true }),
  serializer: partType('TEXT', { key: 'sink.serializer' }),
  serializerEntries: prefixed('sink.serializer.'),
  batchSize: integer(100, { key: 'sink.batchSize', min: 1 }),
  fsync: boolean(false, { key: 'sink.fsync' }),
}

/** A file of the sink. */
interface RollFile {
  readonly handle: FileHandle
  readonly serializer: EventSerializer
  readonly path: string
  size: number
}

/**
 * Writes files in a directory, a new one each interval. A batch that is written in part is
 * truncated, so that its retry does not duplicate events.
 */
class FileRollSink implements Sink {
  readonly batchSize: number
  readonly #config: ValuesOf<typeof keys>
  readonly #context: ComponentContext
  readonly #directory: string
  readonly #serializers: FileSerializers
  readonly #series: number
  #index = 0
  #file: RollFile | undefined
  #isRollDue = false
  #timer: Timer | undefined

  constructor(config: ValuesOf<typeof keys>, context: ComponentContext) {
    this.#config = config
    this.#context = context
    this.batchSize = config.batchSize
    this.#directory = pathOf(config.directory, context.directory)
    this.#serializers = fileSerializers(config.serializer, config.serializerEntries, context)
    this.#series = context.world.clock.now()
  }

  async start(): Promise<void> {
    await mkdir(this.#directory, { recursive: true })
    this.#schedule()
  }

  #schedule(): void {
    if (this.#config.rollInterval === 0) return
    this.#timer = this.#context.world.clock.setTimer(this.#config.rollInterval * 1000, () => {
      this.#isRollDue = true
      this.#schedule()
    })
  }

  async process({ events }: TakeTransaction): Promise<void> {
    await this.#serializers.prepare?.(events)
    if (this.#isRollDue) await this.#close()
    this.#isRollDue = false
    for (let at = 0; at < events.length; ) {
      const first = elementAt(events, at)
      if (this.#file?.serializer.accepts?.(first) === false) await this.#close()
      const file = this.#file ?? (await this.#open(first))
      const count = acceptedCount(file.serializer, events, at)
      await this.#write(file, events.slice(at, at + count))
      at += count
    }
  }

  async #write(file: RollFile, events: readonly Event[]): Promise<void> {
    const pieces = file.serializer.write(events)
    try {
      let size = file.size
      for (const piece of pieces) {
        await writeWhole(file.handle, piece, size)
        size += piece.length
      }
      if (this.#config.fsync) await file.handle.datasync()
      file.size = size
    } catch (error) {
      await file.handle.truncate(file.size).catch(() => {})
      throw new DeliveryError(`cannot write to ${file.path}: ${reasonOf(error)}`, error)
    }
  }

  async #open(first: Event): Promise<RollFile> {
    const { prefix, extension, pathManager } = this.#config
    this.#index++
    const name =
      pathManager === 'DEFAULT'
        ? `${prefix}${this.#series}-${this.#index}`
        : `${prefix}${compactTime(this.#context.world.clock.now())}-${this.#index}`
    const path = join(this.#directory, extension === '' ? name : `${name}.${extension}`)
    const serializer = this.#serializers.newSerializer(first)
    let handle: FileHandle | undefined
    try {
      handle = await open(path, 'w')
      const head = serializer.begin()
      await writeWhole(handle, head, 0)
      this.#context.counters.add('ConnectionCreatedCount')
      this.#file = { handle, serializer, path, size: head.length }
      return this.#file
    } catch (error) {
      // Node ends the process when it collects a handle that is open.
      await handle?.close().catch(() => {})
      this.#context.counters.add('ConnectionFailedCount')
      throw new DeliveryError(`cannot create ${path}: ${reasonOf(error)}`, error)
    }
  }

  async #close(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    if (file === undefined) return
    await file.handle.close()
    this.#context.counters.add('ConnectionClosedCount')
  }

  async stop(): Promise<void> {
    this.#timer?.cancel()
    this.#serializers.close?.()
    await this.#close()
  }
}

/** `yyyyMMddHHmmss`, local time, as in Flume's RollTimePathManager. */
function compactTime(ms: number): string {
  const date = new Date(ms)
  const parts = [
    date.getFullYear(),
    date.getMonth() + 1,
    date.getDate(),
    date.getHours(),
    date.getMinutes(),
    date.getSeconds(),
  ]
  return parts.map((part) => String(part).padStart(2, '0')).join('')
}

export const fileRollSink = defineSink({
  type: 'file_roll',
  aliases: ['org.apache.flume.sink.RollingFileSink'],
  about: 'files in a directory, a new one each interval',
  keys,
  check: (config) =>
    checkSerializer('sink.serializer', config.serializer, config.serializerEntries),
  create: (config, context) => new FileRollSink(config, context),
})
