// SPDX-License-Identifier: Apache-2.0
import { elementAt } from '@millrace/base'
import type { Destination } from '../destination/destination.ts'
import type { NewRecord } from '../mapping/to-record.ts'
import { recordSize, type Send, type Sends, type TopicSend } from '../state/commit.ts'
import { RecordBlock, recordsOf } from './record-block.ts'
import type { SpilledBlock } from './spill-store.ts'
import type { TransactionStore } from './transaction-store.ts'

/** Up to this size, the messages of a transaction are kept as received. */
const WHOLE_BYTES = 256 * 1024

/**
 * The sends of a transaction. A few messages are kept as received; more are packed into blocks,
 * which are written to a temporary file when full. Messages to temporary destinations stay in
 * memory.
 */
export class HeldSends implements Sends {
  readonly #store: TransactionStore
  #whole: Send[] | undefined = []
  readonly #temporary: Send[] = []
  #temporaryBytes = 0
  readonly #numbers = new Map<Destination, number>()
  readonly #destinations: Destination[] = []
  readonly #blocks: (SpilledBlock | Buffer)[] = []
  /** Size of the blocks in memory, in bytes. */
  #blockBytes = 0
  readonly #open = new RecordBlock()
  #count = 0
  #bytes = 0
  /** Size that the store currently counts as memory of this transaction. */
  #memory = 0

  constructor(store: TransactionStore) {
    this.#store = store
  }

  get count(): number {
    return this.#count
  }

  get bytes(): number {
    return this.#bytes
  }

  get whole(): readonly Send[] | undefined {
    return this.#whole
  }

  get temporary(): readonly Send[] {
    return this.#temporary
  }

  /**
   * Adds a message. Throws `amqp:resource-limit-exceeded`; the transaction can then only be rolled
   * back.
   */
  add(destination: Destination, record: NewRecord): void {
    const size = recordSize(record)
    const store = this.#store
    store.check(this.#bytes, size)
    const isLarge = this.#bytes + size > WHOLE_BYTES || store.isMemoryFull
    if (isLarge && this.#whole !== undefined) this.#pack(this.#whole)
    if (destination.isTemporary) {
      if (store.isMemoryFull) throw store.memoryError()
      this.#temporary.push({ destination, record })
      this.#temporaryBytes += size
    }
    this.#count++
    this.#bytes += size
    store.bytes += size
    if (this.#whole !== undefined) this.#whole.push({ destination, record })
    else if (!destination.isTemporary) this.#addToBlock(destination, record)
    this.#countMemory()
  }

  /** Packs the messages into blocks when the transaction is no longer small. */
  #pack(whole: readonly Send[]): void {
    this.#whole = undefined
    for (const { destination, record } of whole) {
      if (!destination.isTemporary) this.#addToBlock(destination, record)
    }
  }

  #addToBlock(destination: Destination, record: TopicSend['record']): void {
    let number = this.#numbers.get(destination)
    if (number === undefined) {
      number = this.#destinations.push(destination) - 1
      this.#numbers.set(destination, number)
    }
    this.#open.add(number, record)
    if (!this.#open.isFull && !this.#store.isMemoryFull) return
    const { bytes } = this.#open
    if (this.#store.canSpill) this.#blocks.push(this.#store.spill(bytes))
    else {
      if (this.#store.isMemoryFull) throw this.#store.memoryError()
      this.#blocks.push(bytes)
      this.#blockBytes += bytes.length
    }
    this.#open.clear()
    this.#countMemory()
  }

  #countMemory(): void {
    let memory = this.#whole === undefined ? this.#temporaryBytes : this.#bytes
    memory += this.#open.capacity + this.#blockBytes
    this.#store.memory += memory - this.#memory
    this.#memory = memory
  }

  *topicSends(): Iterable<readonly TopicSend[]> {
    if (this.#whole !== undefined) {
      const topicSends = this.#whole.filter(({ destination }) => !destination.isTemporary)
      if (topicSends.length > 0) yield topicSends
      return
    }
    const destinationOf = (number: number): Destination => elementAt(this.#destinations, number)
    for (const block of this.#blocks) {
      yield recordsOf(Buffer.isBuffer(block) ? block : this.#store.read(block), destinationOf)
    }
    if (this.#open.size > 0) yield recordsOf(this.#open.bytes, destinationOf)
  }

  /** Drops all sends and releases their memory and files. Idempotent. */
  clear(): void {
    this.#store.bytes -= this.#bytes
    this.#bytes = 0
    this.#count = 0
    this.#whole = []
    this.#temporary.length = 0
    this.#temporaryBytes = 0
    this.#open.clear()
    this.#blockBytes = 0
    for (const block of this.#blocks.splice(0)) {
      if (!Buffer.isBuffer(block)) this.#store.free(block)
    }
    this.#countMemory()
  }
}
