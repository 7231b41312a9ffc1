// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { nodeWorld } from '@millrace/base'
import type { ConsumerRecord } from '../consumer/consumer-record.ts'
import { ShareRunner, type ShareRunOptions } from './share-runner.ts'

type Options = ShareRunOptions<ConsumerRecord<unknown, unknown>>

/** Passes the records 0 to 3 to a runner; returns what became of them, and why the run ended. */
async function outcomeOf(options: Options): Promise<{ settled: string[]; failure: string }> {
  const settled: string[] = []
  const stop = new AbortController()
  // Cast: handlers and the fake source look at the offset only.
  const records = [0n, 1n, 2n, 3n].map((offset) => ({ offset }) as ConsumerRecord<unknown, unknown>)
  const runner = new ShareRunner(
    {
      clock: nodeWorld.clock,
      lockTimeoutMs: () => 30_000,
      async nextBatch() {
        if (records.length === 0) stop.abort()
        return records.splice(0)
      },
      settle: ({ offset }, type) => settled.push(`${offset} ${type}`),
      commit: async () => undefined,
    },
    { signal: stop.signal, ...options },
  )
  const failure = await runner.run().then(
    () => 'none',
    (error: Error) => error.message,
  )
  return { settled: settled.sort(), failure }
}

const failsAtOne = ({ offset }: ConsumerRecord<unknown, unknown>): void => {
  if (offset === 1n) throw new Error('handler')
}

describe('a run of a share consumer', () => {
  const cells: readonly (readonly [
    what: string,
    options: Options,
    settled: readonly string[],
    failure: string,
  ])[] = [
    [
      'accepts what was handled',
      { eachRecord: () => undefined },
      ['0 accept', '1 accept', '2 accept', '3 accept'],
      'none',
    ],
    [
      'ends at a failed handler, and releases the rest',
      { eachRecord: failsAtOne },
      ['0 accept', '1 release', '2 release', '3 release'],
      'handler',
    ],
    [
      'lets onError decide',
      { eachRecord: failsAtOne, onError: () => 'reject' },
      ['0 accept', '1 reject', '2 accept', '3 accept'],
      'none',
    ],
    [
      'ends if onError throws',
      {
        eachRecord: failsAtOne,
        onError() {
          throw new Error('onError')
        },
      },
      ['0 accept', '1 release', '2 release', '3 release'],
      'onError',
    ],
    [
      'ends if onError throws for one of several concurrent handlers',
      {
        concurrency: 4,
        eachRecord: async (record) => failsAtOne(record),
        onError() {
          throw new Error('onError')
        },
      },
      ['0 accept', '1 release', '2 accept', '3 accept'],
      'onError',
    ],
  ]
  for (const [what, options, settled, failure] of cells) {
    it(what, async () => assert.deepEqual(await outcomeOf(options), { settled, failure }))
  }
})
