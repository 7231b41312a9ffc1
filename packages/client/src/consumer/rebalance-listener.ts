// SPDX-License-Identifier: Apache-2.0
import type { TopicPartition } from '../topic-partition.ts'

/**
 * Observes assigned and revoked partitions; called inside `poll`, or between two records of the
 * other ways to read.
 */
export interface RebalanceListener {
  /** Called before partitions are revoked: their offsets may still be committed. */
  onPartitionsRevoked?(partitions: readonly TopicPartition[]): void | Promise<void>
  /** Called after partitions were assigned and before their first record is returned. */
  onPartitionsAssigned?(partitions: readonly TopicPartition[]): void | Promise<void>
  /**
   * Called if partitions were lost without a chance to commit, as after an expired session.
   * Default: `onPartitionsRevoked`.
   */
  onPartitionsLost?(partitions: readonly TopicPartition[]): void | Promise<void>
}
