// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '@millrace/base'
import { StoredMessage } from '../mapping/stored-message.ts'
import type { NewRecord } from '../mapping/to-record.ts'
import type { DestinationLog, LogPlace } from './destination-log.ts'

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

  constructor(clock: Clock, onMessages: (messages: readonly StoredMessage[]) => void) {
    this.#clock = clock
    this.#onMessages = onMessages
  }

  append(record: NewRecord): Promise<LogPlace> {
    const offset = this.#next++
    const place = { partition: 0, offset, timestamp: this.#clock.now() }
    // A slice would hold on to all that the socket read with it.
    const body = record.body.map((piece) => Buffer.from(piece))
    const envelope = { ...record.envelope, head: Buffer.from(record.envelope.head) }
    const message = new StoredMessage(place, envelope, body)
    this.#messages.set(offset, message)
    this.#onMessages([message])
    return Promise.resolve(place)
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
    for (; this.#trimmed < floor; this.#trimmed++) this.#messages.delete(this.#trimmed)
  }

  close(): void {
    this.#messages.clear()
  }
}
