// SPDX-License-Identifier: Apache-2.0
import type { Effects } from '../../runtime/effects.ts'
import {
  decodeGroupRecord,
  encodeGroupRecord,
  type GroupRecord,
  type ReplayedGroupRecord,
} from '../group-record.ts'

/** A group that changes by records only. */
interface Replayable {
  apply(record: ReplayedGroupRecord): void
}

/**
 * A group while a decision is made about it: what was decided already shows, and the group itself
 * stays as it is until the records are in the log. The copy is made with the first record, so that
 * a decision without one costs nothing.
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

  /** As it will be. */
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
      // Exactly as it will be read from the log.
      const { key, value } = encodeGroupRecord(record)
      this.#group.apply(decodeGroupRecord(key, value))
    }
  }
}
