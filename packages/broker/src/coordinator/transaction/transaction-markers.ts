// SPDX-License-Identifier: Apache-2.0
import type { Clock } from '@millrace/base'
import { ProtocolError } from '@millrace/protocol'
import type { EndMarker } from '../../log/control-batch.ts'
import { GROUP_METADATA_TOPIC, type Topics } from '../../topics.ts'
import type { GroupCoordinator } from '../group/group-coordinator.ts'

/** Writes the markers that end a transaction into the partitions of the transaction. */
export class TransactionMarkers {
  readonly #topics: Topics
  readonly #groups: GroupCoordinator
  readonly #clock: Clock

  constructor(options: {
    readonly topics: Topics
    readonly groups: GroupCoordinator
    readonly clock: Clock
  }) {
    this.#topics = options.topics
    this.#groups = options.groups
    this.#clock = options.clock
  }

  /**
   * Resolves when the marker is durable. Throws `UNKNOWN_TOPIC_OR_PARTITION`,
   * `INVALID_PRODUCER_EPOCH` if the producer was fenced in the meantime,
   * `TRANSACTION_COORDINATOR_FENCED` for a superseded coordinator.
   */
  async write(topic: string, index: number, marker: EndMarker): Promise<void> {
    const partition = this.#topics.partition(topic, index)
    if (topic === GROUP_METADATA_TOPIC) return this.#groups.endTransaction(index, marker)
    const { log, leaderEpoch } = partition
    const now = BigInt(this.#clock.now())
    const { lastOffset } = log.appendMarker(marker, { leaderEpoch, timestamp: now })
    await log.acknowledged(lastOffset + 1n)
  }

  /**
   * Like `write`, for the coordinator: a partition that was deleted, or has a later transaction,
   * needs no marker.
   */
  async writeIfNeeded(topic: string, index: number, marker: EndMarker): Promise<void> {
    try {
      await this.write(topic, index, marker)
    } catch (error) {
      const code = error instanceof ProtocolError ? error.code : undefined
      const isMoot =
        code === 'UNKNOWN_TOPIC_OR_PARTITION' ||
        code === 'INVALID_PRODUCER_EPOCH' ||
        code === 'TRANSACTION_COORDINATOR_FENCED'
      if (!isMoot) throw error
    }
  }
}
