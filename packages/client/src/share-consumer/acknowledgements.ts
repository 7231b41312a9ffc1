// SPDX-License-Identifier: Apache-2.0
import type { TopicPartition } from '../topic-partition.ts'

/**
 * Outcome of a record: done, to be delivered again, never to be delivered again, or in progress
 * with its lock renewed.
 */
export type AcknowledgeType = 'accept' | 'release' | 'reject' | 'renew'

const WIRE: Readonly<Record<AcknowledgeType | 'gap', number>> = {
  gap: 0,
  accept: 1,
  release: 2,
  reject: 3,
  renew: 4,
}

export interface AcknowledgementBatch {
  readonly firstOffset: bigint
  readonly lastOffset: bigint
  readonly acknowledgeTypes: readonly number[]
}

/** Acknowledgements to send for the records of one partition. */
export class PartitionAcknowledgements {
  readonly at: TopicPartition
  /** The session with the leader that the records were acquired in. */
  readonly session: number
  readonly #types = new Map<bigint, number>()

  constructor(at: TopicPartition, session: number) {
    this.at = at
    this.session = session
  }

  get size(): number {
    return this.#types.size
  }

  get offsets(): bigint[] {
    return [...this.#types.keys()].sort((a, b) => (a < b ? -1 : 1))
  }

  get hasRenewals(): boolean {
    for (const type of this.#types.values()) if (type === WIRE.renew) return true
    return false
  }

  set(offset: bigint, type: AcknowledgeType | 'gap'): void {
    this.#types.set(offset, WIRE[type])
  }

  /** Merges neighbours into batches; one type stands for all if they are alike. */
  batches(): AcknowledgementBatch[] {
    const batches: { firstOffset: bigint; lastOffset: bigint; acknowledgeTypes: number[] }[] = []
    for (const offset of this.offsets) {
      const type = this.#types.get(offset) as number
      const last = batches.at(-1)
      if (last !== undefined && last.lastOffset + 1n === offset) {
        last.lastOffset = offset
        last.acknowledgeTypes.push(type)
      } else batches.push({ firstOffset: offset, lastOffset: offset, acknowledgeTypes: [type] })
    }
    for (const batch of batches) {
      const [first] = batch.acknowledgeTypes
      if (batch.acknowledgeTypes.every((type) => type === first)) {
        batch.acknowledgeTypes = [first as number]
      }
    }
    return batches
  }

  /** Splits off renewals, which are sent in separate requests. */
  takeRenewals(): PartitionAcknowledgements | undefined {
    if (!this.hasRenewals) return undefined
    const renewals = new PartitionAcknowledgements(this.at, this.session)
    for (const [offset, type] of this.#types) {
      if (type !== WIRE.renew) continue
      renewals.set(offset, 'renew')
      this.#types.delete(offset)
    }
    return renewals
  }
}
