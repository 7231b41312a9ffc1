// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  FindCoordinatorRequest,
  FindCoordinatorResponse,
  MetadataRequest,
  MetadataResponse,
} from '@millrace/protocol'
import { ScriptedCluster } from '../testing/scripted-cluster.ts'

const idOf = (name: string): string => name.padEnd(21, 'x').concat('A')

function withTopic(nodeCount = 1): ScriptedCluster {
  const script = new ScriptedCluster(nodeCount)
  script.topic('t', [1])
  return script
}

const refreshes = (script: ScriptedCluster): number => script.requests(MetadataRequest).length

describe('a refresh of metadata', () => {
  it('that is requested during another shares the next one', async () => {
    const script = withTopic()
    const cluster = script.cluster()
    cluster.track(['t'])
    const [first, second, third] = [cluster.refresh(), cluster.refresh(), cluster.refresh()]
    assert.equal(second, third)
    await script.run(Promise.all([first, second, third]))
    assert.equal(refreshes(script), 2)
    cluster.close()
  })

  it('is requested at most once per retryBackoffMs by callers that noticed a change', async () => {
    const script = withTopic()
    const cluster = script.cluster({ retryBackoffMs: 100 })
    await script.run(cluster.refresh())
    for (let i = 0; i < 5; i++) cluster.requestRefresh()
    await script.pass(90)
    assert.equal(refreshes(script), 1)
    await script.pass(20)
    assert.equal(refreshes(script), 2)
    await script.pass(1000)
    cluster.requestRefresh()
    await script.pass(1)
    assert.equal(refreshes(script), 3, 'at once after a pause')
    cluster.close()
  })

  it('happens without a reason after metadataMaxAgeMs, and sooner after a failure', async () => {
    const script = withTopic()
    const cluster = script.cluster({ metadataMaxAgeMs: 10_000 })
    await script.run(cluster.refresh())
    await script.pass(9900)
    assert.equal(refreshes(script), 1)
    await script.pass(200)
    assert.equal(refreshes(script), 2)
    script.queue(MetadataRequest, MetadataResponse, 'close')
    await script.pass(12_500)
    assert.equal(refreshes(script), 4, 'the failed one was repeated')
    cluster.close()
  })

  it('asks for the tracked topics, for all with a pattern, for none before', async () => {
    const script = withTopic()
    const cluster = script.cluster()
    const asked = (): unknown =>
      script
        .requests(MetadataRequest)
        .at(-1)
        ?.message.topics?.map(({ name }) => name) ?? 'all'
    await script.run(cluster.refresh())
    assert.deepEqual(asked(), [])
    assert.equal(cluster.track(['t', 'u']), true)
    assert.equal(cluster.track(['t']), false, 'known already')
    await script.run(cluster.refresh())
    assert.deepEqual(asked(), ['t', 'u'])
    cluster.trackOnly(['u'])
    await script.run(cluster.refresh())
    assert.deepEqual(asked(), ['u'])
    cluster.trackOnly('all')
    await script.run(cluster.refresh())
    assert.equal(asked(), 'all')
    cluster.close()
  })

  it('for all topics drops those that are gone', async () => {
    const script = withTopic()
    script.topic('u', [1])
    const cluster = script.cluster()
    cluster.trackOnly('all')
    await script.run(cluster.refresh())
    assert.deepEqual([...cluster.metadata.topics.keys()], ['t', 'u'])
    script.topics.delete('t')
    await script.run(cluster.refresh())
    assert.deepEqual([...cluster.metadata.topics.keys()], ['u'])
    cluster.close()
  })

  it('notifies observers until they are removed or the client is closed', async () => {
    const script = withTopic()
    const cluster = script.cluster()
    let count = 0
    const remove = cluster.onChange(() => count++)
    await script.run(cluster.refresh())
    assert.equal(count, 1)
    remove()
    await script.run(cluster.refresh())
    assert.equal(count, 1)
    cluster.close()
    assert.equal((await script.failure(cluster.refresh())).code, 'MILLRACE_CLOSED')
  })
})

describe('a topic', () => {
  it('that does not exist yet is awaited', async () => {
    const script = new ScriptedCluster()
    const cluster = script.cluster()
    const found = cluster.topic('t', 5000)
    await script.pass(700)
    script.topic('t', [1])
    assert.equal((await script.run(found)).name, 't')
    cluster.close()
  })

  it('that does not exist is an error after the time-out', async () => {
    const script = new ScriptedCluster()
    const cluster = script.cluster()
    const error = await script.failure(cluster.topic('t', 2000))
    assert.equal(error.code, 'UNKNOWN_TOPIC_OR_PARTITION')
    assert.match(error.message, /topic t: UNKNOWN_TOPIC_OR_PARTITION, after 2000 ms/)
    assert.ok(script.nowMs >= 2000 && script.nowMs < 2500)
    cluster.close()
  })

  for (const [errorCode, code] of [
    [29, 'TOPIC_AUTHORIZATION_FAILED'],
    [17, 'INVALID_TOPIC_EXCEPTION'],
  ] as const) {
    it(`whose error no retry changes is an error at once: ${code}`, async () => {
      const script = new ScriptedCluster()
      script.answer(MetadataRequest, MetadataResponse, {
        ...script.metadata([]),
        topics: [{ errorCode, name: 't', partitions: [] }],
      })
      const cluster = script.cluster()
      assert.equal((await script.failure(cluster.topic('t', 60_000))).code, code)
      assert.ok(script.nowMs < 500, `${script.nowMs}`)
      cluster.close()
    })
  }

  it('without a broker that replies reports the cause, not only the time-out', async () => {
    const script = new ScriptedCluster()
    const options = script.options
    script.nodes.clear()
    const cluster = script.cluster({ bootstrapServers: options.bootstrapServers })
    const error = await script.failure(cluster.topic('t', 2000))
    assert.equal(error.code, 'MILLRACE_TIMEOUT')
    assert.match(error.message, /topic t has no metadata after 2000 ms: cannot connect to 127/)
    cluster.close()
  })

  it('with another id is lost after half a second, not before: brokers lag behind', async () => {
    const script = withTopic()
    const cluster = script.cluster()
    cluster.track(['t'])
    await script.run(cluster.refresh())
    assert.equal(cluster.hasTopicId('t', idOf('t')), true)
    assert.equal(cluster.hasTopicId('t', idOf('old')), false)
    assert.equal(cluster.lossOf('t', idOf('old')), undefined)
    await script.pass(499)
    assert.equal(cluster.lossOf('t', idOf('old')), undefined)
    await script.pass(1)
    assert.equal(cluster.lossOf('t', idOf('old'))?.code, 'UNKNOWN_TOPIC_ID')
    cluster.close()
  })

  it('that has its id again restarts the half second', async () => {
    const script = withTopic()
    const cluster = script.cluster()
    cluster.track(['t'])
    script.topic('t', [1], idOf('new'))
    await script.run(cluster.refresh())
    assert.equal(cluster.lossOf('t', idOf('t')), undefined)
    await script.pass(400)
    script.topic('t', [1], idOf('t'))
    await script.run(cluster.refresh())
    assert.equal(cluster.hasTopicId('t', idOf('t')), true)
    script.topic('t', [1], idOf('new'))
    await script.run(cluster.refresh())
    assert.equal(cluster.lossOf('t', idOf('t')), undefined)
    cluster.close()
  })

  it('that was deleted is lost only if an error reports it', async () => {
    const script = withTopic()
    const cluster = script.cluster()
    cluster.track(['t'])
    await script.run(cluster.refresh())
    script.topics.delete('t')
    const lossAfter = async (ms: number): Promise<string | undefined> => {
      await script.pass(ms)
      return cluster.lossOf('t', idOf('t'))?.code
    }
    assert.equal(await lossAfter(0), undefined, 'the metadata still has it')
    await script.run(cluster.refresh())
    assert.equal(await lossAfter(0), undefined)
    assert.equal(await lossAfter(500), 'UNKNOWN_TOPIC_OR_PARTITION')
    cluster.close()
  })
})

describe('a wait for metadata', () => {
  it('ends with the signal', async () => {
    const script = new ScriptedCluster()
    const cluster = script.cluster()
    const controller = new AbortController()
    script.timer(300, () => controller.abort())
    const waited = cluster.topic('t', 60_000, { signal: controller.signal })
    assert.equal((await script.failure(waited)).code, 'ABORT_ERR')
    assert.ok(script.nowMs < 400)
    cluster.close()
  })

  it('is not longer than its time-out while a broker does not answer', async () => {
    const script = new ScriptedCluster()
    script.answer(MetadataRequest, MetadataResponse, 'silence')
    const cluster = script.cluster()
    assert.equal((await script.failure(cluster.topic('t', 1500))).code, 'MILLRACE_TIMEOUT')
    assert.ok(script.nowMs <= 1600, `${script.nowMs}`)
    cluster.close()
  })
})

describe('the coordinator of a key', () => {
  it('is looked up once, until it is forgotten', async () => {
    const script = withTopic()
    const cluster = script.cluster()
    const lookUp = async (): Promise<number> =>
      (await script.run(cluster.coordinator('group', 'g'))).id
    assert.deepEqual([await lookUp(), await lookUp()], [1, 1])
    assert.equal(script.requests(FindCoordinatorRequest).length, 1)
    cluster.forgetCoordinator('group', 'g')
    await lookUp()
    assert.equal(script.requests(FindCoordinatorRequest).length, 2)
    cluster.close()
  })

  it('is another one for each type and key', async () => {
    const script = withTopic()
    const cluster = script.cluster()
    for (const [type, key] of [
      ['group', 'a'],
      ['group', 'b'],
      ['transaction', 'a'],
    ] as const) {
      await script.run(cluster.coordinator(type, key))
    }
    assert.deepEqual(
      script
        .requests(FindCoordinatorRequest)
        .map(({ message }) => [message.keyType, message.coordinatorKeys[0]]),
      [
        [0, 'a'],
        [0, 'b'],
        [1, 'a'],
      ],
    )
    cluster.close()
  })

  it('that was not found is looked up again with the next call', async () => {
    const script = withTopic()
    const none = { nodeId: -1, host: '', port: -1, errorCode: 15, errorMessage: 'no leader' }
    script.queue(FindCoordinatorRequest, FindCoordinatorResponse, {
      coordinators: [{ key: 'g', ...none }],
    })
    const cluster = script.cluster()
    const error = await script.failure(cluster.coordinator('group', 'g'))
    assert.equal(error.code, 'COORDINATOR_NOT_AVAILABLE')
    assert.match(error.message, /no coordinator of group g: no leader/)
    assert.equal((await script.run(cluster.coordinator('group', 'g'))).id, 1)
    cluster.close()
  })

  it('is found with old brokers that answer for one key', async () => {
    const script = withTopic()
    script.maxVersions.set('FindCoordinator', 3)
    script.answer(FindCoordinatorRequest, FindCoordinatorResponse, ({ key, keyType }) => ({
      errorCode: key === 'g' && keyType === 0 ? 0 : 42,
      nodeId: 1,
      host: '127.0.0.1',
      port: 9001,
    }))
    const cluster = script.cluster()
    assert.equal((await script.run(cluster.coordinator('group', 'g'))).port, 9001)
    cluster.close()
  })
})

describe('a request to any broker', () => {
  it('goes to another one when a broker refuses connections', async () => {
    const script = withTopic(3)
    const cluster = script.cluster()
    script.nodes.delete(1)
    script.nodes.delete(2)
    await script.run(cluster.refresh())
    assert.equal(script.requests(MetadataRequest)[0]?.node, 3)
    cluster.close()
  })

  it('uses the connection that is open', async () => {
    const script = withTopic(3)
    const cluster = script.cluster()
    for (let i = 0; i < 5; i++) await script.run(cluster.refresh())
    assert.equal(new Set(script.requests(MetadataRequest).map(({ node }) => node)).size, 1)
    cluster.close()
  })

  it('falls back on the bootstrap servers when all known brokers are gone', async () => {
    const script = withTopic(2)
    script.nodes.delete(2)
    const both = ['127.0.0.1:9001', '127.0.0.1:9002']
    const cluster = script.cluster({ bootstrapServers: both, retryBackoffMs: 10 })
    await script.run(cluster.refresh())
    assert.deepEqual([...cluster.metadata.nodes.keys()], [1])
    script.nodes.add(2)
    script.nodes.delete(1)
    script.disconnect(1)
    await script.pass(1)
    await script.run(cluster.refresh())
    assert.deepEqual([...cluster.metadata.nodes.keys()], [2])
    cluster.close()
  })

  it('to a node without metadata may be retried', async () => {
    const script = withTopic()
    const cluster = script.cluster()
    const error = await script.failure(cluster.connect(9))
    assert.deepEqual(
      [error.code, (error as { retriable?: boolean }).retriable],
      ['MILLRACE_UNKNOWN_NODE', true],
    )
    cluster.close()
  })
})
