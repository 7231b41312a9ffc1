// SPDX-License-Identifier: Apache-2.0
import { type Clock, MillraceError } from '@millrace/base'
import { StoredMessage } from '../mapping/stored-message.ts'
import type { NewRecord } from '../mapping/to-record.ts'
import { EngineError } from './destination-errors.ts'
import type { DestinationLog, LogPosition } from './destination-log.ts'

/** Approximate memory that a message takes besides its bytes. */
const ENTRY_BYTES = 500

/** Counts the bytes of messages in the logs of all temporary destinations, up to a limit. */
export class TemporaryMemory {
  readonly #maxBytes: number
  bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Reserves memory. Throws `EngineError.memoryExceeded` if the limit would be exceeded. */
  add(bytes: number): void {
    if (this.bytes + bytes > this.#maxBytes) {
      throw new MillraceError(
        EngineError.memoryExceeded,
        `messages of temporary destinations exceed amqp.temporary.max.bytes=${this.#maxBytes}`,
      )
    }
    this.bytes += bytes
  }

  free(bytes: number): void {
    this.bytes -= bytes
  }
}

/**
 * The log of a temporary destination. It is deleted with its connection, so it is kept in memory.
 */
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

  async append(record: NewRecord): Promise<LogPosition> {
    return this.#append(record)
  }

  /**
   * Appends a message. Throws `EngineError.memoryExceeded` if all temporary destinations together
   * exceed the limit.
   */
  #append(record: NewRecord): LogPosition {
    this.#memory.add(sizeOf(record))
    const offset = this.#next++
    const position = { partition: 0, offset, timestamp: this.#clock.now() }
    // Copy: a slice would retain the whole buffer that the socket read.
    const body = record.body.map((piece) => Buffer.from(piece))
    const envelope = { ...record.envelope, head: Buffer.from(record.envelope.head) }
    const message = new StoredMessage(position, envelope, body)
    this.#messages.set(offset, message)
    this.#onMessages([message])
    return position
  }

  async appendTogether(records: readonly NewRecord[]): Promise<LogPosition> {
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

  async readTo(): Promise<number> {
    return this.#next
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
