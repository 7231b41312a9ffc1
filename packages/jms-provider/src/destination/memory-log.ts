// SPDX-License-Identifier: Apache-2.0
import { type Clock, MillraceError } from '@millrace/base'
import { StoredMessage } from '../mapping/stored-message.ts'
import type { NewRecord } from '../mapping/to-record.ts'
import { EngineError } from './destination-errors.ts'
import type { DestinationLog, LogPlace } from './destination-log.ts'

/** What a message takes beside its bytes, near enough. */
const ENTRY_BYTES = 500

/** Bytes of the messages in all logs of temporary destinations, and how many there may be. */
export class TemporaryMemory {
  readonly #maxBytes: number
  bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Throws when there is no room for so many bytes more. */
  add(bytes: number): void {
    if (this.bytes + bytes > this.#maxBytes) {
      throw new MillraceError(
        EngineError.noRoom,
        `the messages of temporary destinations take more than amqp.temporary.max.bytes ${this.#maxBytes}`,
      )
    }
    this.bytes += bytes
  }

  free(bytes: number): void {
    this.bytes -= bytes
  }
}

/** The log of a temporary destination: it lives as long as its connection, so memory is enough. */
export class MemoryLog implements DestinationLog {
  readonly topic = undefined
  readonly topicId = undefined
  readonly partitions = 1
  readonly #clock: Clock
  readonly #messages = new Map<number, StoredMessage>()
  #next = 0
  #trimmed = 0
  readonly #onMessages: (messages: readonly StoredMessage[]) => void

  readonly #memory: TemporaryMemory

  constructor(
    clock: Clock,
    memory: TemporaryMemory,
    onMessages: (messages: readonly StoredMessage[]) => void,
  ) {
    this.#clock = clock
    this.#memory = memory
    this.#onMessages = onMessages
  }

  async append(record: NewRecord): Promise<LogPlace> {
    return this.#append(record)
  }

  /** Rejects with `EngineError.noRoom` when all temporary destinations together have too much. */
  #append(record: NewRecord): LogPlace {
    this.#memory.add(sizeOf(record))
    const offset = this.#next++
    const place = { partition: 0, offset, timestamp: this.#clock.now() }
    // A slice would hold on to all that the socket read with it.
    const body = record.body.map((piece) => Buffer.from(piece))
    const envelope = { ...record.envelope, head: Buffer.from(record.envelope.head) }
    const message = new StoredMessage(place, envelope, body)
    this.#messages.set(offset, message)
    this.#onMessages([message])
    return place
  }

  async appendTogether(records: readonly NewRecord[]): Promise<LogPlace> {
    const [first] = await Promise.all(records.map((record) => this.append(record)))
    return first ?? { partition: 0, offset: -1 }
  }

  messageAt(offset: number): StoredMessage | undefined {
    return this.#messages.get(offset)
  }

  read(_partition: number, offset: number): Promise<readonly StoredMessage[]> {
    const message = this.#messages.get(offset)
    return Promise.resolve(message === undefined ? [] : [message])
  }

  trim(_partition: number, floor: number): void {
    for (; this.#trimmed < floor; this.#trimmed++) this.#forget(this.#trimmed)
  }

  #forget(offset: number): void {
    const message = this.#messages.get(offset)
    if (message === undefined) return
    this.#messages.delete(offset)
    this.#memory.free(sizeOf(message))
  }

  close(): void {
    for (const offset of [...this.#messages.keys()]) this.#forget(offset)
  }
}

function sizeOf({ envelope, body }: Pick<StoredMessage, 'envelope' | 'body'>): number {
  let size = envelope.head.length + ENTRY_BYTES
  for (const piece of body) size += piece.length
  return size
}
