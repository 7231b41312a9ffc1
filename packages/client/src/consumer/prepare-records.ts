// SPDX-License-Identifier: Apache-2.0
import { type ConsumerRecord, type Deserializers, prepareRecord } from './consumer-record.ts'

/** Records whose deserializers obtain what they need at the same time. */
const MAX_PREPARING = 16

/** Whether records must be prepared before they are returned. */
export function mustPrepare({ key, value }: Deserializers<unknown, unknown>): boolean {
  return key.prepareDeserialize !== undefined || value.prepareDeserialize !== undefined
}

/**
 * Prepares records for their deserializers; never rejects. Undefined if all are prepared. Ends
 * early once `isWanted` returns false.
 */
export function prepareRecords(
  records: readonly ConsumerRecord<unknown, unknown>[],
  isWanted: () => boolean,
): Promise<void> | undefined {
  for (const [i, record] of records.entries()) {
    const first = prepareRecord(record)
    if (first !== undefined) return prepareRest(records.slice(i + 1), first, isWanted)
  }
  return undefined
}

async function prepareRest(
  records: readonly ConsumerRecord<unknown, unknown>[],
  first: Promise<void>,
  isWanted: () => boolean,
): Promise<void> {
  const inProgress = new Set<Promise<void>>()
  const add = (work: Promise<void>): void => {
    const done = work.then(() => {
      inProgress.delete(done)
    })
    inProgress.add(done)
  }
  add(first)
  for (const record of records) {
    while (inProgress.size >= MAX_PREPARING) {
      await Promise.race(inProgress)
      if (!isWanted()) return
    }
    const work = prepareRecord(record)
    if (work !== undefined) add(work)
  }
  await Promise.all(inProgress)
}
