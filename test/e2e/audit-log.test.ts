// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, renameSync, rmSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { nodeWorld, type World } from '@millrace/base'
import { Broker } from '@millrace/broker'
import { Admin, Producer } from '@millrace/client'
import { eventually } from './until.ts'

const directory = mkdtempSync(join(tmpdir(), 'millrace-audit-'))
after(() => rmSync(directory, { recursive: true, force: true }))

interface Line {
  readonly principal: string
  readonly outcome: string
  readonly [key: string]: unknown
}

/** Every line of a file; throws for one that is not JSON. */
const linesOf = (path: string): Line[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line)

const start = (
  path: string,
  more: Readonly<Record<string, string>> = {},
  world: World = nodeWorld,
): Promise<Broker> =>
  Broker.start({
    world,
    config: {
      listeners: 'SASL_PLAINTEXT://127.0.0.1:0',
      'security.inter.broker.protocol': 'SASL_PLAINTEXT',
      'sasl.enabled.mechanisms': 'SCRAM-SHA-256',
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'super.users': 'User:admin',
      'audit.log.file': path,
      ...more,
    },
    scramUsers: ['admin', 'alice'].map((name) => `SCRAM-SHA-256=[name=${name},password=secret]`),
  })

const clientOf = (broker: Broker, username: string) => ({
  bootstrapServers: broker.address,
  clientId: 'audit "test"\n',
  sasl: { mechanism: 'SCRAM-SHA-256', username, password: 'secret' } as const,
  defaultApiTimeoutMs: 3000,
})

describe('the audit log', () => {
  it('has a JSON object for each denied action', async () => {
    const path = join(directory, 'denied.jsonl')
    const broker = await start(path)
    await using alice = new Admin(clientOf(broker, 'alice'))
    await using admin = new Admin(clientOf(broker, 'admin'))
    await admin.createTopics([{ name: 'orders' }])
    await assert.rejects(alice.createTopics([{ name: 'mine' }]))
    await assert.rejects(alice.deleteTopics(['orders']))
    await assert.rejects(alice.describeAcls())
    await broker.close()
    const lines = linesOf(path)
    assert.ok(lines.length >= 3, String(lines.length))
    for (const { time, host, clientId, listener, count, principal, outcome, ...rest } of lines) {
      assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
      assert.deepEqual(
        [host, clientId, listener, principal, outcome],
        ['127.0.0.1', 'audit "test"\n', 'SASL_PLAINTEXT', 'User:alice', 'Denied'],
      )
      assert.equal(typeof count, 'number')
      const names = ['operation', 'request', 'resourceName', 'resourceType', 'rule']
      assert.deepEqual(Object.keys(rest).sort(), names)
    }
    const seen = lines.map(
      ({ request, operation, resourceType, resourceName }) =>
        `${request} ${operation} ${resourceType} ${resourceName}`,
    )
    for (const expected of [
      'CreateTopics CREATE TOPIC mine',
      'DescribeAcls DESCRIBE CLUSTER kafka-cluster',
    ]) {
      assert.ok(seen.includes(expected), seen.join('\n'))
    }
    assert.doesNotMatch(readFileSync(path, 'utf8'), /secret/)
  })

  it('has allowed actions where that is configured, with the ACL that decided', async () => {
    const path = join(directory, 'allowed.jsonl')
    const broker = await start(path, { 'audit.log.allowed': 'true' })
    await using admin = new Admin(clientOf(broker, 'admin'))
    await admin.createTopics([{ name: 'orders' }])
    await admin.createAcls([
      {
        principal: 'User:alice',
        permission: 'allow',
        resourceType: 'topic',
        resourceName: 'orders',
        operation: 'write',
      },
    ])
    const { defaultApiTimeoutMs: _, ...options } = clientOf(broker, 'alice')
    await using producer = new Producer(options)
    await producer.send({ topic: 'orders', value: 'x' })
    await broker.close()
    const found = linesOf(path).find(
      ({ principal, operation }) => principal === 'User:alice' && operation === 'WRITE',
    )
    assert.equal(found?.outcome, 'Allowed')
    assert.equal(found?.rule, 'MatchingAcl')
    assert.match(String(found?.acl), /principal='User:alice'/)
  })

  it('continues in a new file, or at the start of its file, when it is rotated', async () => {
    const path = join(directory, 'rotated.jsonl')
    await using broker = await start(path)
    await using alice = new Admin(clientOf(broker, 'alice'))
    const deny = async (): Promise<void> => {
      await assert.rejects(alice.describeAcls())
      await eventually(async () => assert.equal(linesOf(path).length, 1))
    }
    await deny()
    renameSync(path, `${path}.1`)
    await assert.rejects(alice.describeAcls())
    await eventually(async () => assert.equal(linesOf(path).length, 1))
    truncateSync(path)
    await deny()
    assert.equal(linesOf(`${path}.1`).length, 1)
  })

  for (const how of ['close', 'abandon'] as const) {
    it(`is closed by ${how} after the listeners, whose requests are logged until then`, async () => {
      const path = join(directory, `${how}.jsonl`)
      const steps: string[] = []
      const world: World = {
        ...nodeWorld,
        fileSystem: {
          ...nodeWorld.fileSystem,
          open(opened, options) {
            const file = nodeWorld.fileSystem.open(opened, options)
            const close = () => {
              steps.push('audit')
              file.close()
            }
            return opened === path ? { ...file, close } : file
          },
        },
        network: {
          ...nodeWorld.network,
          async listen(options) {
            const listener = await nodeWorld.network.listen(options)
            return {
              port: listener.port,
              async close() {
                await listener.close()
                steps.push('listener')
              },
            }
          },
        },
      }
      const broker = await start(path, {}, world)
      await broker[how]()
      assert.deepEqual(steps, ['listener', 'audit'])
    })
  }

  it('must be writable at start', async () => {
    await assert.rejects(start(join(directory, 'absent/audit.jsonl')), /ENOENT/)
  })
})
