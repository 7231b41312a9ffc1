// SPDX-License-Identifier: Apache-2.0
// Several registries over one cluster: one writes, the others pass changes on to it.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Broker } from '@millrace/broker'
import { GroupMembership } from '@millrace/client'
import { SchemaRegistry } from '@millrace/schema-registry'
import { until } from './until.ts'

describe('registries of one cluster', () => {
  let broker: Broker
  const open: SchemaRegistry[] = []
  const start = async (
    group: string,
    config: Readonly<Record<string, string>> = {},
  ): Promise<SchemaRegistry> => {
    const registry = await SchemaRegistry.start({
      client: { bootstrapServers: broker.address },
      config: {
        listeners: 'http://127.0.0.1:0',
        'schema.registry.group.id': group,
        'kafkastore.topic': `_schemas-${group}`,
        'kafkagroup.heartbeat.interval.ms': '50',
        ...config,
      },
    })
    open.push(registry)
    return registry
  }
  const register = async (
    registry: { readonly address: string },
    n: number,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<string> => {
    const response = await fetch(`${registry.address}/subjects/s${n}/versions`, {
      method: 'POST',
      headers: { 'content-type': 'application/vnd.schemaregistry.v1+json', ...headers },
      body: JSON.stringify({ schema: `{"type":"fixed","name":"f","size":${n + 1}}` }),
    })
    const { id, error_code } = (await response.json()) as { id?: number; error_code?: number }
    return `${response.status} ${id ?? error_code}`
  }
  const leaderOf = (registries: readonly SchemaRegistry[]): SchemaRegistry | undefined => {
    const [leader, ...more] = registries.filter(({ isLeader }) => isLeader)
    const isKnown = registries.every(({ leaderUrl }) => leaderUrl === leader?.address)
    return more.length === 0 && isKnown ? leader : undefined
  }
  const agree = async (registries: readonly SchemaRegistry[]): Promise<SchemaRegistry> => {
    await until(() => leaderOf(registries) !== undefined)
    return leaderOf(registries) ?? agree(registries)
  }

  before(async () => {
    broker = await Broker.start({ config: { 'group.min.session.timeout.ms': '100' } })
  })
  after(async () => {
    for (const registry of open) await registry.close()
    await broker.close()
  })

  it('elect one; all accept changes, and ids continue when the leader leaves', async () => {
    const registries = [await start('a'), await start('a'), await start('a')]
    const leader = await agree(registries)
    let n = 0
    for (const registry of registries) assert.equal(await register(registry, n++), `200 ${n}`)
    await leader.close()
    const others = registries.filter((each) => each !== leader)
    const second = await agree(others)
    for (const registry of others) assert.equal(await register(registry, n++), `200 ${n}`)
    await second.close()
    const [last] = others.filter((each) => each !== second)
    assert.ok(last !== undefined)
    await agree([last])
    assert.equal(await register(last, n++), `200 ${n}`)
  })

  it('a leader that was stopped assigns no id of another schema when it continues', async () => {
    const quick = { 'kafkagroup.session.timeout.ms': '1000' }
    const config = {
      'schema.registry.group.id': 'p',
      'kafkastore.topic': '_schemas-p',
      'kafkagroup.heartbeat.interval.ms': '50',
      // Lower than the URL of the other registry.
      'host.name': '127.0.0.1',
      ...quick,
    }
    const script = join(import.meta.dirname, 'schema-registry-process.ts')
    const args = ['--conditions=millrace-src', script, broker.address, JSON.stringify(config)]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    try {
      const [ready] = (await once(child.stdout, 'data')) as [Buffer]
      const stopped = { address: /^ready (\S+)$/m.exec(String(ready))?.[1] ?? '' }
      const other = await start('p', { ...quick, 'host.name': 'localhost' })
      await until(() => other.leaderUrl === stopped.address)
      assert.equal(await register(stopped, 1), '200 1')
      child.kill('SIGSTOP')
      await until(() => other.isLeader)
      assert.equal(await register(other, 2), '200 2')
      child.kill('SIGCONT')
      const ids = new Map<string, number>()
      for (let n = 3; n < 60; n++) {
        const registry = n % 2 === 0 ? other : stopped
        const outcome = await register(registry, n)
        if (outcome === '500 50004') continue
        assert.match(outcome, /^200 /)
        assert.ok(!ids.has(outcome), `schemas ${ids.get(outcome)} and ${n} have ${outcome}`)
        ids.set(outcome, n)
      }
      assert.ok(ids.size > 0 && !ids.has('200 1') && !ids.has('200 2'))
    } finally {
      child.kill('SIGKILL')
    }
  })

  it('a registry that does not lead refuses a request that was forwarded to it', async () => {
    const registries = [await start('b'), await start('b')]
    const leader = await agree(registries)
    for (const [n, registry] of registries.entries()) {
      const outcome = await register(registry, n, { 'x-forward': 'false' })
      assert.equal(outcome, registry === leader ? '200 1' : '500 50004')
    }
  })

  it('without an eligible registry reads are served, and changes refused', async () => {
    const registry = await start('c', { 'leader.eligibility': 'false' })
    assert.equal(await register(registry, 1), '500 50004')
    assert.equal((await fetch(`${registry.address}/subjects`)).status, 200)
  })

  it('changes fail with 50003 while the leader is not reachable', async () => {
    const follower = await start('d', { 'leader.eligibility': 'false' })
    await using other = foreignMember(broker, 'd', {
      host: '127.0.0.1',
      port: 1,
      master_eligibility: true,
    })
    other.start()
    await until(() => follower.leaderUrl !== undefined)
    assert.equal(follower.leaderUrl, 'http://127.0.0.1:1')
    assert.equal(await register(follower, 1), '500 50003')
  })

  it("a leader follows the election of another registry's assignment", async () => {
    await using foreign = foreignMember(broker, 'e', {
      host: '127.0.0.1',
      port: 1,
      master_eligibility: false,
    })
    foreign.start()
    await until(() => foreign.generation !== undefined)
    const registry = await start('e')
    await agree([registry])
    assert.equal(await register(registry, 1), '200 1')
  })
})

/** A registry of another make in the group: elects the first eligible member in its own code. */
function foreignMember(broker: Broker, groupId: string, identity: object): GroupMembership {
  return new GroupMembership({
    bootstrapServers: broker.address,
    groupId,
    protocolType: 'sr',
    heartbeatIntervalMs: 50,
    protocols: () => [
      {
        name: 'v0',
        metadata: Buffer.from(JSON.stringify({ version: 1, scheme: 'http', ...identity })),
      },
    ],
    assign: ({ members }) => {
      const [leader] = members.flatMap(({ memberId, metadata }) => {
        const parsed = JSON.parse(String(metadata)) as { master_eligibility: boolean }
        return parsed.master_eligibility ? [{ memberId, parsed }] : []
      })
      const assignment = Buffer.from(
        JSON.stringify({
          version: 1,
          error: 0,
          master: leader?.memberId,
          master_identity: leader?.parsed,
        }),
      )
      return new Map(members.map(({ memberId }) => [memberId, assignment]))
    },
    onAssigned: () => {},
  })
}
