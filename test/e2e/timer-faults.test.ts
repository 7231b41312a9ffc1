// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { nodeWorld, silentLogger, type World } from '@millrace/base'
import { Broker } from '@millrace/broker'
import * as p from '@millrace/protocol'
import { WireClient } from '@millrace/testkit'

const SPEED = 1000

/** The real world, with faster timers, and a clock that throws in their callbacks. */
function worldWithFaults(): World {
  let isInCallback = false
  return {
    ...nodeWorld,
    clock: {
      ...nodeWorld.clock,
      now() {
        if (isInCallback) throw new Error('the clock failed')
        return nodeWorld.clock.now()
      },
      setTimer: (delayMs, callback, options) =>
        nodeWorld.clock.setTimer(
          delayMs / SPEED,
          () => {
            isInCallback = true
            try {
              callback()
            } finally {
              isInCallback = false
            }
          },
          options,
        ),
    },
  }
}

it('a broker whose timer callbacks throw logs the errors, serves clients and continues its timers', async () => {
  const { promise: loggedTwice, resolve } = Promise.withResolvers<void>()
  let count = 0
  await using broker = await Broker.start({
    world: worldWithFaults(),
    logger: {
      ...silentLogger,
      error(message) {
        if (message === 'a timer callback failed' && ++count === 2) resolve()
      },
    },
  })
  const client = await WireClient.connect(broker.address)
  try {
    await loggedTwice
    const reply = await client.request(p.ApiVersionsRequest, p.ApiVersionsResponse, {
      clientSoftwareName: 'test',
      clientSoftwareVersion: '1',
    })
    assert.equal(reply.errorCode, 0)
  } finally {
    client.close()
  }
})
