// SPDX-License-Identifier: Apache-2.0
import { AmqpError, Condition } from '@millrace/amqp'
import { type FileSystem, type Random, systemErrorCode } from '@millrace/base'
import { type SpilledBlock, SpillStore } from './spill-store.ts'

/** What the transactions of all clients may hold. */
export interface TransactionLimits {
  /** Bytes of the messages in one transaction. */
  readonly maxBytes: number
  /** Bytes of the messages in all transactions. */
  readonly maxTotalBytes: number
  /** Bytes of memory over all transactions; what is more goes to temporary files. */
  readonly memoryBytes: number
  /** Where the temporary files are; empty for the system's place. */
  readonly directory: string
}

/** Counts what transactions hold, over all connections, and keeps what does not fit into memory. */
export class TransactionStore {
  readonly #limits: TransactionLimits
  readonly #spill: SpillStore | undefined
  /** Bytes that transactions hold, in memory and in files. */
  bytes = 0
  /** Bytes of them in memory. */
  memory = 0

  /** Without a file system everything stays in memory, and is refused beyond that. */
  constructor(
    limits: TransactionLimits,
    world: { readonly fileSystem: FileSystem | undefined; readonly random: Random },
  ) {
    this.#limits = limits
    const { fileSystem, random } = world
    if (fileSystem !== undefined) {
      this.#spill = new SpillStore({ fileSystem, random, directory: limits.directory })
    }
  }

  get spilledBytes(): number {
    return this.#spill?.bytes ?? 0
  }

  /** Throws `amqp:resource-limit-exceeded` when a transaction that holds `held` bytes may not have `more`. */
  check(held: number, more: number): void {
    const { maxBytes, maxTotalBytes } = this.#limits
    if (held + more > maxBytes) {
      throw tooLarge(`the transaction has more than amqp.transaction.max.bytes ${maxBytes}`)
    }
    if (this.bytes + more > maxTotalBytes) {
      throw tooLarge(
        `the transactions of all clients have more than amqp.transactions.max.bytes ${maxTotalBytes}`,
      )
    }
  }

  /** Whether what is in memory should go to files. */
  get isMemoryFull(): boolean {
    return this.memory > this.#limits.memoryBytes
  }

  get canSpill(): boolean {
    return this.#spill !== undefined
  }

  /** What to tell a client whose messages cannot go to files. */
  memoryError(): AmqpError {
    const { memoryBytes } = this.#limits
    return tooLarge(
      `the transactions of all clients have more than amqp.transactions.memory.bytes ${memoryBytes} in memory`,
    )
  }

  /** Throws `amqp:resource-limit-exceeded` when there is no room for it. */
  spill(bytes: Uint8Array): SpilledBlock {
    const store = this.#spill
    if (store === undefined) throw this.memoryError()
    try {
      return store.write(bytes)
    } catch (error) {
      const why = systemErrorCode(error) ?? String(error)
      throw tooLarge(
        `the transaction does not fit into memory, and cannot be written to ${store.directory}: ${why}`,
        error,
      )
    }
  }

  read(block: SpilledBlock): Buffer {
    if (this.#spill === undefined) throw new Error('nothing was spilled')
    return this.#spill.read(block)
  }

  free(block: SpilledBlock): void {
    this.#spill?.free(block)
  }

  close(): void {
    this.#spill?.close()
  }
}

function tooLarge(message: string, cause?: unknown): AmqpError {
  return new AmqpError(Condition.resourceLimitExceeded, message, { cause })
}
