// SPDX-License-Identifier: Apache-2.0
import { AmqpError, Condition } from '@millrace/amqp'
import { type FileSystem, type Random, systemErrorCode } from '@millrace/base'
import { type SpilledBlock, SpillStore } from './spill-store.ts'

/** Limits on the data that client transactions may hold. */
export interface TransactionLimits {
  /** Limit on the messages of one transaction, in bytes. */
  readonly maxBytes: number
  /** Limit on the messages of all transactions, in bytes. */
  readonly maxTotalBytes: number
  /** Memory limit over all transactions, in bytes. Data beyond it is written to temporary files. */
  readonly memoryBytes: number
  /** Directory of the temporary files; empty for the system's default. */
  readonly directory: string
}

/**
 * Tracks the data that transactions of all connections hold and spills it to disk beyond the memory
 * limit.
 */
export class TransactionStore {
  readonly #limits: TransactionLimits
  readonly #spill: SpillStore | undefined
  /** Size of the data that transactions hold, in memory and in files, in bytes. */
  bytes = 0
  /** Size of the part in memory, in bytes. */
  memory = 0

  /** Without a file system, data stays in memory and is refused beyond the limit. */
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

  /**
   * Throws `amqp:resource-limit-exceeded` if a transaction that holds `held` bytes may not add
   * `more`.
   */
  check(held: number, more: number): void {
    const { maxBytes, maxTotalBytes } = this.#limits
    if (held + more > maxBytes) {
      throw tooLarge(`the transaction exceeds amqp.transaction.max.bytes=${maxBytes}`)
    }
    if (this.bytes + more > maxTotalBytes) {
      throw tooLarge(`open transactions exceed amqp.transactions.max.bytes=${maxTotalBytes}`)
    }
  }

  /** Whether the memory limit is reached, so that data should be spilled. */
  get isMemoryFull(): boolean {
    return this.memory > this.#limits.memoryBytes
  }

  get canSpill(): boolean {
    return this.#spill !== undefined
  }

  /** Creates the error for a client whose messages cannot be spilled. */
  memoryError(): AmqpError {
    const { memoryBytes } = this.#limits
    return tooLarge(`open transactions exceed amqp.transactions.memory.bytes=${memoryBytes}`)
  }

  /**
   * Writes a block to a temporary file. Throws `amqp:resource-limit-exceeded` if it cannot be
   * written.
   */
  spill(bytes: Uint8Array): SpilledBlock {
    const store = this.#spill
    if (store === undefined) throw this.memoryError()
    try {
      return store.write(bytes)
    } catch (error) {
      const why = systemErrorCode(error) ?? String(error)
      throw tooLarge(
        `cannot write the transaction to a temporary file in ${store.directory}: ${why}`,
        error,
      )
    }
  }

  read(block: SpilledBlock): Buffer {
    if (this.#spill === undefined) throw new Error('no spill store')
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
