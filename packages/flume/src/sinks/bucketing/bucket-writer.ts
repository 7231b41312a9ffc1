// SPDX-License-Identifier: Apache-2.0
import { attempt, elementAt, type Timer } from '@millrace/base'
import type { ComponentContext, Sink, SinkBatch } from '../../component.ts'
import { DeliveryError } from '../../errors.ts'
import type { Event } from '../../event.ts'
import {
  acceptedCount,
  type EventSerializer,
  type FileSerializers,
} from '../../serialization/serializers.ts'
import { BucketPath, type Rounding } from './bucket-path.ts'
import { type Codec, compressed } from './codecs.ts'

/** A store of files: a distributed file system, an object store. */
export interface BucketStore {
  /** Whether appended parts are durable before the file is closed. */
  readonly isDurable: boolean
  /** Creates a file. It may have another name while it is written. */
  open(path: string): Promise<BucketFile>
}

export interface BucketFile {
  /** Appends a part; if it rejects, nothing of the part is in the file. */
  append(part: Buffer): Promise<void>
  /** Completes the file under its final name. */
  close(): Promise<void>
}

export interface BucketingOptions extends FileSerializers {
  readonly directory: string
  readonly filePrefix: string
  readonly fileSuffix: string
  /** Seconds, bytes of bodies and events after which a new file is started; 0: never. */
  readonly rollInterval: number
  readonly rollSize: number
  readonly rollCount: number
  /** Seconds without an event after which a file is closed; 0: never. */
  readonly idleTimeout: number
  readonly maxOpenFiles: number
  readonly batchSize: number
  readonly codec: Codec
  readonly timeZone: string | undefined
  readonly rounding: Rounding | undefined
  readonly usesLocalTime: boolean
}

interface Bucket {
  readonly path: string
  readonly serializer: EventSerializer
  readonly file: BucketFile
  bytes: number
  events: number
  openedMs: number
  usedMs: number
  /** Settles when the file is complete. */
  readonly closed: PromiseWithResolvers<void>
}

/** Number of batches that wait for their files; with more, the files are completed early. */
const MAX_WAITING = 32

/** Writes events to files by Flume's path escapes, and starts new files by time, size and count. */
export class BucketingSink implements Sink {
  readonly batchSize: number
  readonly maxInFlight: number
  readonly #options: BucketingOptions
  readonly #store: BucketStore
  readonly #context: ComponentContext
  readonly #paths: BucketPath
  readonly #prefix: BucketPath
  readonly #buckets = new Map<string, Bucket>()
  #counter: number
  #timer: Timer | undefined
  #working: Promise<unknown> = Promise.resolve()
  #waiting = 0
  /**
   * Of a store that is not durable: whether a file failed that batches in flight were written to.
   */
  #isBroken = false

  constructor(options: BucketingOptions, store: BucketStore, context: ComponentContext) {
    this.#options = options
    this.#store = store
    this.#context = context
    this.batchSize = options.batchSize
    this.maxInFlight = store.isDurable ? 1 : MAX_WAITING
    const { clock } = context.world
    const pathOptions = { ...options, now: () => clock.now() }
    this.#paths = new BucketPath(options.directory, pathOptions)
    this.#prefix = new BucketPath(options.filePrefix, pathOptions)
    this.#counter = clock.now()
  }

  async start(): Promise<void> {
    this.#schedule()
  }

  #schedule(): void {
    this.#timer = this.#context.world.clock.setTimer(500, () => {
      const { logger, name } = this.#context
      attempt(logger, 'completing files', async () => {
        try {
          await this.#exclusively(() => this.#closeDue())
        } catch (error) {
          logger.warn('cannot complete a file; retrying', { sink: name, error })
        } finally {
          this.#schedule()
        }
      })
    })
  }

  /** Serializes the work of batches and of the timer. */
  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#working.then(work, work)
    this.#working = next.catch(() => {})
    return next
  }

  /**
   * With a store that keeps only complete files, a batch is delivered when its files are complete.
   */
  async process({ events, isFollowUp = false }: SinkBatch): Promise<void> {
    if (this.#store.isDurable) {
      await this.#exclusively(() => this.#write(events))
      return
    }
    if (!isFollowUp) this.#isBroken = false
    const files = await this.#exclusively(() => this.#writeInOrder(events))
    this.#waiting++
    try {
      if (this.#waiting >= MAX_WAITING) await this.flush()
      await Promise.all(files)
    } finally {
      this.#waiting--
    }
  }

  /** Later batches of a path must not be stored without the earlier ones. */
  async #writeInOrder(events: readonly Event[]): Promise<Promise<void>[]> {
    if (this.#isBroken) throw new DeliveryError('an earlier batch could not be stored')
    try {
      return await this.#write(events)
    } catch (error) {
      this.#abandon(error)
      throw error
    }
  }

  /** Drops all incomplete files; their batches return to the channel. */
  #abandon(error: unknown): void {
    this.#isBroken = true
    for (const { closed } of this.#buckets.values()) closed.reject(error)
    this.#buckets.clear()
  }

  /** Completes all files. */
  async flush(): Promise<void> {
    await this.#exclusively(() => this.#closeAll())
  }

  /** Closes as many files as possible; rejects with the first error. */
  async #closeAll(): Promise<void> {
    const errors: unknown[] = []
    for (const bucket of [...this.#buckets.values()]) {
      await this.#close(bucket).catch((error: unknown) => errors.push(error))
    }
    if (errors.length > 0) throw errors[0]
  }

  /** Resolves with promises of the files that got a part, which settle when they are complete. */
  async #write(events: readonly Event[]): Promise<Promise<void>[]> {
    await this.#options.prepare?.(events)
    const groups = new Map<string, Event[]>()
    for (const event of events) {
      const { headers } = event
      const path = `${this.#paths.resolvePath(headers)}/${this.#prefix.resolvePath(headers)}`
      const group = groups.get(path)
      if (group === undefined) groups.set(path, [event])
      else group.push(event)
    }
    const files = new Set<Promise<void>>()
    for (const [path, group] of groups) await this.#append(path, group, files)
    return [...files]
  }

  async #append(path: string, events: readonly Event[], files: Set<Promise<void>>): Promise<void> {
    for (let at = 0; at < events.length; ) {
      const first = elementAt(events, at)
      const open = this.#buckets.get(path)
      const isOther = open?.serializer.accepts?.(first) === false
      if (open !== undefined && isOther) await this.#close(open)
      const bucket = this.#buckets.get(path) ?? (await this.#open(path, first))
      const part = this.#fitting(bucket, events, at)
      const bytes = Buffer.concat(bucket.serializer.write(part))
      const packed = await compressed(this.#options.codec, bytes)
      files.add(bucket.closed.promise)
      try {
        await bucket.file.append(packed)
      } catch (error) {
        // The state of the file is unknown; the retry starts another one.
        this.#buckets.delete(path)
        bucket.closed.reject(error)
        if (this.#store.isDurable) await bucket.file.close().catch(() => {})
        throw error
      }
      for (const { body } of part) bucket.bytes += body.length
      bucket.events += part.length
      bucket.usedMs = this.#context.world.clock.monotonic()
      at += part.length
      if (this.#isFull(bucket)) await this.#close(bucket)
    }
  }

  /** The events from `at` that fit into a file; at least one. */
  #fitting(
    { bytes, events, serializer }: Bucket,
    all: readonly Event[],
    at: number,
  ): readonly Event[] {
    const { rollSize, rollCount } = this.#options
    const last = at + acceptedCount(serializer, all, at)
    let end = at
    let size = bytes
    do {
      size += elementAt(all, end).body.length
      end++
    } while (
      end < last &&
      (rollCount === 0 || events + end - at < rollCount) &&
      (rollSize === 0 || size < rollSize)
    )
    return all.slice(at, end)
  }

  async #open(path: string, first: Event): Promise<Bucket> {
    if (this.#buckets.size >= this.#options.maxOpenFiles) {
      const [oldest] = [...this.#buckets.values()].sort((a, b) => a.usedMs - b.usedMs)
      if (oldest !== undefined) await this.#close(oldest)
    }
    const serializer = this.#options.newSerializer(first)
    const file = await this.#store.open(`${path}.${this.#counter++}${this.#options.fileSuffix}`)
    this.#context.counters.add('ConnectionCreatedCount')
    const now = this.#context.world.clock.monotonic()
    const closed = Promise.withResolvers<void>()
    // No batch may be waiting for the file.
    closed.promise.catch(() => {})
    const bucket = {
      path,
      serializer,
      file,
      bytes: 0,
      events: 0,
      openedMs: now,
      usedMs: now,
      closed,
    }
    const head = Buffer.from(serializer.begin())
    try {
      if (head.length > 0) await file.append(await compressed(this.#options.codec, head))
    } catch (error) {
      if (this.#store.isDurable) await file.close().catch(() => {})
      throw error
    }
    this.#buckets.set(path, bucket)
    return bucket
  }

  #isFull({ bytes, events }: Bucket): boolean {
    const { rollSize, rollCount } = this.#options
    return (rollSize > 0 && bytes >= rollSize) || (rollCount > 0 && events >= rollCount)
  }

  async #closeDue(): Promise<void> {
    const now = this.#context.world.clock.monotonic()
    const { rollInterval, idleTimeout } = this.#options
    for (const bucket of [...this.#buckets.values()]) {
      const isOld = rollInterval > 0 && now - bucket.openedMs >= rollInterval * 1000
      const isIdle = idleTimeout > 0 && now - bucket.usedMs >= idleTimeout * 1000
      if (isOld || isIdle) await this.#close(bucket)
    }
  }

  async #close(bucket: Bucket): Promise<void> {
    if (this.#buckets.get(bucket.path) !== bucket) return
    this.#buckets.delete(bucket.path)
    try {
      await bucket.file.close()
      bucket.closed.resolve()
    } catch (error) {
      bucket.closed.reject(error)
      if (!this.#store.isDurable) this.#abandon(error)
      throw error
    }
    this.#context.counters.add('ConnectionClosedCount')
  }

  async stop(): Promise<void> {
    this.#timer?.cancel()
    await this.flush()
    this.#options.close?.()
  }
}
