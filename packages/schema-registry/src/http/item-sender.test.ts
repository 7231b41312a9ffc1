// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { sendItems } from './item-sender.ts'

/** Items of 100,000 characters, and how many were made so far. */
function large(count: number): { readonly items: Iterable<string>; readonly made: () => number } {
  let made = 0
  function* items(): Generator<string> {
    for (; made < count; made++) yield String(made).padEnd(100_000, 'x')
  }
  return { items: items(), made: () => made }
}

async function serving(
  items: Iterable<unknown>,
  use: (port: number, sent: Promise<void>) => Promise<void>,
): Promise<void> {
  const sent = Promise.withResolvers<void>()
  const server = createServer((_request, response) => {
    sendItems(response, items).then(sent.resolve, sent.reject)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    await use((server.address() as AddressInfo).port, sent.promise)
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

describe('a list that is sent item by item', () => {
  for (const items of [[], [1], [{ a: 1 }, 'b', null], Array(5000).fill('c'.repeat(50))]) {
    it(`is a JSON array of ${items.length} items`, () =>
      serving(items, async (port) => {
        assert.deepEqual(await (await fetch(`http://127.0.0.1:${port}/`)).json(), items)
      }))
  }

  it('is complete when it is large', () => {
    const { items } = large(50)
    return serving(items, async (port) => {
      const received = (await (await fetch(`http://127.0.0.1:${port}/`)).json()) as string[]
      assert.deepEqual(
        received.map((each) => Number.parseInt(each, 10)),
        Array.from({ length: 50 }, (_, i) => i),
      )
    })
  })

  it('is made as the client reads, and no further once it is gone', () => {
    const count = 10_000
    const { items, made } = large(count)
    return serving(items, async (port, sent) => {
      const client = connect(port, '127.0.0.1')
      client.on('error', () => {})
      client.pause()
      client.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
      let before = -1
      while (made() === 0 || made() !== before) {
        before = made()
        await sleep(100)
      }
      assert.ok(
        before < count,
        `${before} of ${count} items were made for a client that reads none`,
      )
      client.destroy()
      await sent
      assert.ok(made() < count)
    })
  })
})
