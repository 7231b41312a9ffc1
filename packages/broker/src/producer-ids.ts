// SPDX-License-Identifier: Apache-2.0
import type { MetadataStore } from './metadata/metadata-store.ts'

/** Kafka allocates producer ids in blocks, so that not every id needs a record. */
const BLOCK_SIZE = 1000n

/** Allocates producer ids that were never used before, also after a crash. */
export class ProducerIds {
  readonly #metadata: MetadataStore
  readonly #nodeId: number
  #next = 0n
  #end = 0n
  #refill: Promise<void> | undefined

  constructor(metadata: MetadataStore, nodeId: number) {
    this.#metadata = metadata
    this.#nodeId = nodeId
  }

  async next(): Promise<bigint> {
    while (this.#next >= this.#end) {
      this.#refill ??= this.#reserve().finally(() => {
        this.#refill = undefined
      })
      await this.#refill
    }
    return this.#next++
  }

  async #reserve(): Promise<void> {
    const first = await this.#metadata.propose((image) => ({
      records: [
        {
          kind: 'ProducerIdsRecord',
          version: 0,
          data: {
            brokerId: this.#nodeId,
            brokerEpoch: 0n,
            nextProducerId: image.nextProducerId + BLOCK_SIZE,
          },
        },
      ],
      reply: image.nextProducerId,
    }))
    this.#next = first
    this.#end = first + BLOCK_SIZE
  }
}
