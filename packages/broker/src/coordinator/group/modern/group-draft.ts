// SPDX-License-Identifier: Apache-2.0
import type { Effects } from '../../runtime/effects.ts'
import {
  decodeGroupRecord,
  encodeGroupRecord,
  type GroupRecord,
  type ReplayedGroupRecord,
} from '../group-record.ts'

/** A group that changes only by replaying records. */
export interface Replayable {
  apply(record: ReplayedGroupRecord): void
}

/**
 * A copy of a group for one decision: records decided so far are visible in it, while the group
 * itself is unchanged until they are in the log. The copy is created with the first record, so a
 * decision without records costs nothing.
 */
export class GroupDraft<G extends Replayable> {
  readonly #fx: Effects<GroupRecord, unknown>
  readonly #copy: (group: G) => G
  #group: G
  #isCopy = false

  constructor(group: G, fx: Effects<GroupRecord, unknown>, copy: (group: G) => G) {
    this.#group = group
    this.#fx = fx
    this.#copy = copy
  }

  /** The group including the decided records. */
  get group(): G {
    return this.#group
  }

  get hasChanged(): boolean {
    return this.#isCopy
  }

  emit(...records: readonly GroupRecord[]): void {
    if (records.length === 0) return
    if (!this.#isCopy) {
      this.#group = this.#copy(this.#group)
      this.#isCopy = true
    }
    for (const record of records) {
      this.#fx.records.push(record)
      // Identical to the state after replaying the log.
      const { key, value } = encodeGroupRecord(record)
      this.#group.apply(decodeGroupRecord(key, value))
    }
  }
}
