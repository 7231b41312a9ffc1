// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import * as p from '@millrace/protocol'
import { WireClient } from '@millrace/testkit'
import { asks, hostileNames, type NamedAsk } from '../test/scenarios/topic-names.ts'
import { type Peer, startKafka, startMillrace } from './peers.ts'

/** Replies that intentionally differ, by request and name. */
const differences = new Map([
  // Kafka returns UNKNOWN_SERVER_ERROR for the empty name.
  ['describe partitions ""', ['-1', '17']],
  // Kafka checks for the default resource before it validates the name.
  ['alter configs ""', ['42', '17']],
])

describe('Apache Kafka 4.4.0 and millrace treat topic names alike:', () => {
  let kafka: Peer
  let millrace: Peer

  before(async () => {
    ;[kafka, millrace] = await Promise.all([startKafka(), startMillrace()])
  })
  after(async () => {
    await kafka?.stop()
    await millrace?.stop()
  })

  async function errors(address: string, ask: NamedAsk, name: string): Promise<string> {
    const api = p.apis.get(ask.key)
    assert.ok(api)
    const client = await WireClient.connect(address)
    try {
      const reply = await client.request(api.request, api.response, ask.message(name), ask.version)
      return codesIn(reply).join(' ')
    } catch (error) {
      return (error as Error).message
    } finally {
      client.close()
    }
  }

  for (const ask of asks) {
    it(ask.label, async () => {
      const found: Record<string, string> = {}
      const expected: Record<string, string> = {}
      for (const name of hostileNames) {
        const [ours, theirs] = await Promise.all([
          errors(millrace.address, ask, name),
          errors(kafka.address, ask, name),
        ])
        const shown = JSON.stringify(name.slice(0, 50))
        const [known, allowed] = differences.get(`${ask.label} ${shown}`) ?? []
        found[shown] = ours === allowed && theirs === known ? theirs : ours
        expected[shown] = theirs
        // Kafka's broker applies decisions of its controller with a delay.
        if (/create|delete/.test(ask.label)) await new Promise((resolve) => setTimeout(resolve, 60))
      }
      assert.deepEqual(found, expected)
    })
  }
})

/** All error codes of a reply, in order. */
function codesIn(reply: unknown): number[] {
  if (Array.isArray(reply)) return reply.flatMap(codesIn)
  if (typeof reply !== 'object' || reply === null || reply instanceof Uint8Array) return []
  return Object.entries(reply).flatMap(([key, value]) =>
    key === 'errorCode' ? [value as number] : codesIn(value),
  )
}
