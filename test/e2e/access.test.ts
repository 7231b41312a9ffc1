// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { handlers } from '@millrace/broker'
import * as p from '@millrace/protocol'
import { openApis } from '../scenarios/access-cases.ts'
import {
  accessRuns,
  assertOutcome,
  outcomeOf,
  send,
  versionsOf,
} from '../scenarios/access-script.ts'
import { type RestrictedBroker, startRestrictedBroker } from '../scenarios/restricted-broker.ts'

describe('authorization of requests', () => {
  const runs = accessRuns()
  let restricted: RestrictedBroker
  // Timers of a broker do not keep a process running.
  const alive = setInterval(() => {}, 60_000)

  before(async () => {
    restricted = await startRestrictedBroker()
  })
  after(async () => {
    clearInterval(alive)
    await restricted[Symbol.asyncDispose]()
  })

  it('has a case for every API that is served', () => {
    const covered = new Set([...runs.map((run) => run.case.api), ...openApis])
    const served = [...handlers.keys()].map((key) => p.apis.get(key)?.name)
    assert.deepEqual(
      served.filter((name) => name === undefined || !covered.has(name)),
      [],
    )
  })

  for (const run of runs) {
    const { api, about } = run.case
    it(`${api}${about === undefined ? '' : `, ${about}`}`, async () => {
      const { fixture } = restricted
      const versions = versionsOf(run.case)
      for (const { address, rights, expected, allVersions } of run.clients) {
        for (const version of allVersions ? versions : versions.slice(-1)) {
          // Each on a separate connection, with which sessions end.
          const client = await restricted.connect(address)
          const response = await send(client, run.case, { version, fixture })
          const outcome = outcomeOf(response, run.case.request(fixture))
          assertOutcome(
            outcome,
            expected,
            `${api} v${version} with ${rights.join(', ') || 'no rights'}`,
          )
          client.close()
        }
      }
      assert.ok(versions.length > 0)
    })
  }

  it('creates a topic for a client that may create it', () => {
    assert.ok(restricted.broker.topicNames.includes('fresh'))
  })
})
