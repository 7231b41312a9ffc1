// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { Broker } from '@millrace/broker'
import * as p from '@millrace/protocol'
import { WireClient } from '@millrace/testkit'
import { asks, hostileNames } from '../scenarios/topic-names.ts'

describe('a name sent by a client', () => {
  let parent: string
  let directory: string

  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), 'millrace-'))
    directory = join(parent, 'data')
  })
  afterEach(() => rmSync(parent, { recursive: true, force: true }))

  async function withBroker<T>(use: (client: WireClient, broker: Broker) => Promise<T>) {
    await using broker = await Broker.start({ dataDirectory: directory })
    const client = await WireClient.connect(broker.address)
    try {
      return await use(client, broker)
    } finally {
      client.close()
    }
  }

  it('affects no path and never the metadata log, in any API', async () => {
    await withBroker(async (client, broker) => {
      for (const { key, version, message } of asks) {
        const api = p.apis.get(key)
        assert.ok(api)
        for (const name of hostileNames) {
          await client.request(api.request, api.response, message(name), version)
        }
      }
      assert.deepEqual(
        broker.topicNames.filter((name) => !/^[A-Za-z0-9._-]+$/.test(name)),
        [],
      )
      assert.ok(!broker.topicNames.includes('__cluster_metadata'))
    })
    assert.deepEqual(readdirSync(parent), ['data'])
    // The metadata is intact: the broker starts, and its topics are the same.
    await withBroker(async (client) => {
      const { topics } = await client.request(
        p.MetadataRequest,
        p.MetadataResponse,
        { topics: null, allowAutoTopicCreation: false },
        12,
      )
      assert.ok(topics.every(({ errorCode }) => errorCode === 0))
    })
  })

  it('of maximum length is valid for a topic that is created, filled, deleted and created again', async () => {
    const name = 'x'.repeat(249)
    for (let round = 0; round < 2; round++) {
      await withBroker(async (client) => {
        for (const label of ['create', 'produce', 'delete']) {
          const ask = asks.find((candidate) => candidate.label === label)
          const api = p.apis.get(ask?.key ?? -1)
          assert.ok(api && ask)
          const reply = await client.request(
            api.request,
            api.response,
            ask.message(name),
            ask.version,
          )
          assert.doesNotMatch(JSON.stringify(reply, plain), /"errorCode":[^0]/, label)
        }
      })
      assert.deepEqual(
        readdirSync(directory).filter((entry) => entry.includes('xxx')),
        [],
      )
    }
  })

  it('of a directory that is not a partition does not prevent the start', async () => {
    await withBroker(async () => {})
    for (const name of ['stray-0', 'stray-00', 'a b-0', '__cluster_metadata-1', 'plain']) {
      mkdirSync(join(directory, name))
    }
    writeFileSync(join(directory, 'file-0'), 'not a directory')
    await withBroker(async (_client, broker) => assert.deepEqual(broker.topicNames, []))
    const left = readdirSync(directory).filter((name) => !/checkpoint|meta\.|kafka_/.test(name))
    assert.deepEqual(left.map((name) => name.replace(/\.[0-9a-f]{32}-/, '.ID-')).sort(), [
      '__cluster_metadata-0',
      '__cluster_metadata-1.ID-stray',
      'a b-0.ID-stray',
      'file-0',
      'plain',
      'stray-0.ID-stray',
      'stray-00.ID-stray',
    ])
  })
})

function plain(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}n` : value
}
