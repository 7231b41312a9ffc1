// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  type ErrorName,
  HeartbeatRequest,
  JoinGroupRequest,
  JoinGroupResponse,
  LeaveGroupRequest,
  SyncGroupRequest,
  SyncGroupResponse,
} from '@millrace/protocol'
import { ClassicGroupScript } from '../testing/classic-group-script.ts'
import { GroupMembership, type GroupMembershipOptions } from './group-membership.ts'

class Bench extends ClassicGroupScript {
  readonly events: string[] = []
  own = 'm1'
  readonly member: GroupMembership

  constructor(options: Partial<GroupMembershipOptions> = {}, nodeCount = 1) {
    super(nodeCount)
    this.member = new GroupMembership({
      ...this.options,
      groupId: 'g',
      protocolType: 'sr',
      protocols: () => [{ name: 'v0', metadata: Buffer.from(this.own) }],
      assign: ({ members }) =>
        new Map(
          members.map(({ memberId, metadata }) => [memberId, Buffer.from(`for ${metadata}`)]),
        ),
      onAssigned: ({ generationId, isLeader, assignment }) =>
        void this.events.push(`${isLeader ? 'leads' : 'follows'} ${generationId}: ${assignment}`),
      onRevoked: () => void this.events.push('revoked'),
      onLost: () => void this.events.push('lost'),
      onError: (error) => void this.events.push((error as Error & { code: string }).code),
      sessionTimeoutMs: 10_000,
      heartbeatIntervalMs: 1000,
      rebalanceTimeoutMs: 20_000,
      ...options,
    })
  }

  /** Starts, lets time pass, and returns what happened since the last call. */
  async after(ms: number): Promise<string> {
    await this.pass(ms)
    return this.events.splice(0).join(', ')
  }

  async begin(): Promise<void> {
    this.member.start()
    assert.equal(await this.after(100), 'leads 1: for m1')
  }

  close(): Promise<void> {
    return this.run(this.member.close())
  }
}

describe('GroupMembership', () => {
  it('joins with its protocols, assigns as the leader, and leaves', async () => {
    const bench = new Bench()
    bench.others = [{ memberId: 'member-2', metadata: Buffer.from('m2') }]
    await bench.begin()
    const join = bench.requests(JoinGroupRequest)[0]?.message
    assert.deepEqual(
      [join?.protocolType, join?.sessionTimeoutMs, join?.rebalanceTimeoutMs],
      ['sr', 10_000, 20_000],
    )
    assert.deepEqual(
      join?.protocols.map(({ name, metadata }) => `${name} ${metadata}`),
      ['v0 m1'],
    )
    const sync = bench.requests(SyncGroupRequest)[0]?.message
    assert.deepEqual(
      sync?.assignments.map(({ memberId, assignment }) => `${memberId} ${assignment}`),
      ['member-1 for m1', 'member-2 for m2'],
    )
    assert.equal(bench.member.generation?.memberId, 'member-1')
    await bench.close()
    assert.equal(bench.requests(LeaveGroupRequest).length, 1)
    assert.equal(bench.member.generation, undefined)
  })

  it('follows another leader', async () => {
    const bench = new Bench()
    bench.leaderId = 'other'
    bench.queue(SyncGroupRequest, SyncGroupResponse, {
      errorCode: 0,
      protocolType: 'sr',
      protocolName: 'v0',
      assignment: Buffer.from('x'),
    })
    bench.member.start()
    assert.equal(await bench.after(100), 'follows 1: x')
    await bench.close()
  })

  it('joins again with new metadata', async () => {
    const bench = new Bench()
    await bench.begin()
    bench.own = 'new'
    bench.member.rejoin()
    assert.equal(bench.member.generation, undefined)
    assert.equal(await bench.after(100), 'revoked, leads 2: for new')
    await bench.close()
  })

  const heartbeats: readonly (readonly [error: ErrorName, events: string])[] = [
    ['NONE', ''],
    ['REBALANCE_IN_PROGRESS', 'revoked, leads 2: for m1'],
    ['UNKNOWN_MEMBER_ID', 'lost, leads 2: for m1'],
    ['ILLEGAL_GENERATION', 'lost, leads 2: for m1'],
    ['NOT_COORDINATOR', ''],
    ['COORDINATOR_LOAD_IN_PROGRESS', ''],
    ['FENCED_INSTANCE_ID', 'lost, FENCED_INSTANCE_ID'],
    ['GROUP_AUTHORIZATION_FAILED', 'lost, GROUP_AUTHORIZATION_FAILED'],
  ]
  for (const [error, events] of heartbeats) {
    it(`a heartbeat answered with ${error}: ${events || 'nothing changes'}`, async () => {
      const bench = new Bench()
      await bench.begin()
      bench.heartbeat = error
      await bench.pass(1000)
      bench.heartbeat = 'NONE'
      assert.equal(await bench.after(500), events)
      assert.equal(await bench.after(5000), '')
      await bench.close()
    })
  }

  const refusals: readonly (readonly [error: ErrorName, events: string])[] = [
    ['NOT_COORDINATOR', 'leads 1: for m1'],
    ['COORDINATOR_NOT_AVAILABLE', 'leads 1: for m1'],
    ['REBALANCE_IN_PROGRESS', 'leads 1: for m1'],
    ['UNKNOWN_MEMBER_ID', 'leads 1: for m1'],
    ['INCONSISTENT_GROUP_PROTOCOL', 'INCONSISTENT_GROUP_PROTOCOL'],
    ['GROUP_AUTHORIZATION_FAILED', 'GROUP_AUTHORIZATION_FAILED'],
    ['FENCED_INSTANCE_ID', 'FENCED_INSTANCE_ID'],
  ]
  for (const [error, events] of refusals) {
    it(`a join refused with ${error}: ${events}`, async () => {
      const bench = new Bench()
      bench.queue(JoinGroupRequest, JoinGroupResponse, bench.joinError(error))
      bench.member.start()
      assert.equal(await bench.after(3000), events)
      if (events === error) {
        bench.member.rejoin()
        assert.equal(await bench.after(3000), 'leads 1: for m1', 'after rejoin')
      }
      await bench.close()
    })
  }

  it('an error of assign leaves the group, and ends the membership until rejoin', async () => {
    let isBroken = true
    const bench = new Bench({
      assign: () => {
        if (isBroken) throw Object.assign(new Error('broken'), { code: 'BROKEN' })
        return new Map()
      },
    })
    bench.member.start()
    assert.equal(await bench.after(5000), 'BROKEN')
    assert.equal(bench.requests(LeaveGroupRequest).length, 1)
    isBroken = false
    bench.member.rejoin()
    assert.match(await bench.after(100), /^leads 2: /)
    await bench.close()
  })

  it('follows its coordinator to another broker', async () => {
    const bench = new Bench({}, 2)
    await bench.begin()
    bench.coordinator = 2
    bench.heartbeat = 'NOT_COORDINATOR'
    await bench.pass(1000)
    bench.heartbeat = 'NONE'
    assert.equal(await bench.after(5000), '')
    assert.equal(bench.requests(HeartbeatRequest).at(-1)?.node, 2)
    await bench.close()
  })

  it('is lost when no coordinator answers for the session time-out, and held no longer', async () => {
    const bench = new Bench()
    await bench.begin()
    assert.ok(bench.member.heldForMs > 9000)
    bench.nodes.delete(1)
    bench.disconnect(1)
    assert.equal(await bench.after(8000), '')
    assert.ok(bench.member.heldForMs > 0 && bench.member.heldForMs < 2500)
    await bench.pass(2200)
    assert.equal(bench.member.heldForMs, 0)
    assert.equal(await bench.after(5000), 'lost')
    bench.nodes.add(1)
    assert.equal(await bench.after(5000), 'leads 2: for m1')
    await bench.close()
  })

  it('a static member keeps its name, and does not leave', async () => {
    const bench = new Bench({ groupInstanceId: 'i1' })
    await bench.begin()
    assert.equal(bench.requests(JoinGroupRequest)[0]?.message.groupInstanceId, 'i1')
    await bench.close()
    assert.equal(bench.requests(LeaveGroupRequest).length, 0)
  })

  it('close ends a join that the group holds', async () => {
    const bench = new Bench()
    bench.queue(JoinGroupRequest, JoinGroupResponse, 'silence')
    bench.member.start()
    assert.equal(await bench.after(5000), '')
    await bench.close()
    assert.ok(bench.nowMs < 15_000)
  })
})
