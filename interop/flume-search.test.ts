// SPDX-License-Identifier: Apache-2.0
// The sink for Elasticsearch and OpenSearch on the servers themselves.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { freePort } from '@millrace/testkit'
import { until } from '../test/e2e/until.ts'
import { type Place, placeFor, type RunningAgent, run, send } from './flume-agents.ts'
import { type Peer, startSearch } from './peers.ts'

const agentConf = (hosts: string, more: string): string => `
a1.sources = r1
a1.channels = c1
a1.sinks = k1
a1.sources.r1.type = netcat
a1.sources.r1.bind = 127.0.0.1
a1.sources.r1.port = PORT
a1.sources.r1.channels = c1
a1.sources.r1.interceptors = i1 i2
a1.sources.r1.interceptors.i1.type = regex_extractor
a1.sources.r1.interceptors.i1.regex = (order-\\\\d+)
a1.sources.r1.interceptors.i1.serializers = s1
a1.sources.r1.interceptors.i1.serializers.s1.name = order
a1.sources.r1.interceptors.i2.type = static
a1.sources.r1.interceptors.i2.key = timestamp
a1.sources.r1.interceptors.i2.value = 1700000000000
a1.channels.c1.type = memory
a1.sinks.k1.type = elasticsearch
a1.sinks.k1.channel = c1
a1.sinks.k1.hosts = ${hosts}
${more}`

interface Document {
  readonly _id: string
  readonly _source: Readonly<Record<string, unknown>>
}

for (const name of ['elasticsearch', 'opensearch'] as const) {
  describe(`${name} indexes documents`, () => {
    let server: Peer
    before(async () => {
      server = await startSearch(name)
    })
    after(() => server?.stop())

    const call = async (path: string, method = 'GET', body?: unknown): Promise<unknown> => {
      const response = await fetch(`http://${server.address}/${path}`, {
        method,
        ...(body === undefined
          ? {}
          : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
      })
      const text = await response.text()
      assert.ok(response.ok, `${method} ${path}: ${text}`)
      return JSON.parse(text)
    }
    /**
     * All documents of an index, once there are so many. An index that is just being made is not
     * searched yet.
     */
    const documents = async (index: string, count: number): Promise<Document[]> => {
      let found: Document[] = []
      await until(async () => {
        await call('_refresh', 'POST')
        const path = `${index}/_search?size=1000&ignore_unavailable=true&allow_no_indices=true`
        const answer = (await call(path).catch(() => undefined)) as
          | { readonly hits: { readonly hits: Document[] } }
          | undefined
        found = answer?.hits.hits ?? []
        return found.length >= count
      }, 20_000)
      return found
    }
    const withAgent = async (
      more: string,
      work: (place: Place, agent: RunningAgent) => Promise<void>,
      hosts = server.address,
    ): Promise<void> => {
      const place = await placeFor('millrace')
      const agent = await run(place, agentConf(hosts, more))
      try {
        await work(place, agent)
      } finally {
        await agent.stop()
      }
    }

    it('from events with timestamp and headers, in a daily index, skipping a host that is down', async () => {
      const hosts = `127.0.0.1:${await freePort()}, ${server.address}`
      await withAgent(
        '',
        async ({ port }) => {
          await send(port, 'hello order-1\nbye "€"\n')
          const found = await documents('flume-2023-11-14', 2)
          assert.deepEqual(
            found
              .map(({ _source }) => _source)
              .sort((a, b) => (String(a.body) < String(b.body) ? -1 : 1)),
            [
              {
                '@timestamp': '2023-11-14T22:13:20.000Z',
                headers: { timestamp: '1700000000000' },
                body: 'bye "€"',
              },
              {
                '@timestamp': '2023-11-14T22:13:20.000Z',
                headers: { order: 'order-1', timestamp: '1700000000000' },
                body: 'hello order-1',
              },
            ],
          )
          assert.equal(new Set(found.map(({ _id }) => _id)).size, 2)
        },
        hosts,
      )
    })

    it('from JSON bodies with their ids, and a later version replaces an earlier one', async () => {
      const more =
        'a1.sinks.k1.index = Orders\na1.sinks.k1.document = json\na1.sinks.k1.idHeader = order\n'
      await withAgent(more, async ({ port }) => {
        await send(port, '{"id":"order-1","n":1}\n{"id":"order-2","n":2}\n')
        await documents('orders', 2)
        await send(port, '{"id":"order-1","n":3}\n{"id":"order-3","n":4}\n')
        const found = await documents('orders', 3)
        assert.deepEqual(found.map(({ _id, _source }) => [_id, _source.n]).sort(), [
          ['order-1', 3],
          ['order-2', 2],
          ['order-3', 4],
        ])
      })
    })

    it('reports documents that cannot be indexed, and indexes the others', async () => {
      const more = 'a1.sinks.k1.index = strict\na1.sinks.k1.document = json\n'
      await call('strict', 'PUT', { mappings: { properties: { n: { type: 'integer' } } } })
      await withAgent(more, async ({ port }, agent) => {
        await send(port, '{"n":1}\n{"n":"no number"}\n{"n":\n{"n":2}\n')
        const found = await documents('strict', 2)
        assert.deepEqual(found.map(({ _source }) => _source.n).sort(), [1, 2])
        assert.equal(agent.log().match(/cannot be indexed and is dropped/g)?.length, 2, agent.log())
      })
    })

    it('creates documents, also in a data stream, where a second one with the same id has no effect', async () => {
      // Data streams of Elasticsearch are in a module under another license, which is not
      // installed.
      if (name === 'opensearch') {
        await call('_index_template/logs', 'PUT', {
          index_patterns: ['stream-*'],
          data_stream: {},
          priority: 500,
        })
      }
      const more =
        'a1.sinks.k1.index = stream-a\na1.sinks.k1.operation = create\na1.sinks.k1.idHeader = order\n'
      await withAgent(more, async ({ port }, agent) => {
        await send(port, 'order-1 first\n')
        await documents('stream-a', 1)
        await send(port, 'order-1 again\norder-2\n')
        const found = await documents('stream-a', 2)
        assert.deepEqual(found.map(({ _source }) => _source.body).sort(), [
          'order-1 first',
          'order-2',
        ])
        assert.doesNotMatch(agent.log(), /dropped/)
      })
    })
  })
}
