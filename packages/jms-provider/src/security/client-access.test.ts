// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ClientAccess } from './client-access.ts'

/** Access of a client with these permissions, as `OPERATION TYPE name`. */
function access(...allowed: readonly string[]): ClientAccess {
  const security = {
    authorize: (
      _client: unknown,
      action: {
        readonly operation: string
        readonly resourceType: string
        readonly resourceName: string
      },
    ) => allowed.includes(`${action.operation} ${action.resourceType} ${action.resourceName}`),
  }
  return new ClientAccess(security as never, { principal: 'User:me' } as never)
}

describe('permissions of a JMS client', () => {
  const rows: readonly (readonly [what: string, run: () => void, denial: string | undefined])[] = [
    ['writing to a topic', () => access('WRITE TOPIC t').requireTopic('WRITE', 't'), undefined],
    [
      'another operation',
      () => access('READ TOPIC t').requireTopic('WRITE', 't'),
      'WRITE on topic t',
    ],
    ['another topic', () => access('WRITE TOPIC u').requireTopic('WRITE', 't'), 'WRITE on topic t'],
    ['reading of a group', () => access('READ GROUP g').requireGroup('READ', 'g'), undefined],
    [
      'a topic of the same name',
      () => access('READ TOPIC g').requireGroup('READ', 'g'),
      'READ on group g',
    ],
    [
      'creating in the cluster',
      () => access('CREATE CLUSTER kafka-cluster').requireCreate('t'),
      undefined,
    ],
    ['creating the topic', () => access('CREATE TOPIC t').requireCreate('t'), undefined],
    [
      'creating another topic',
      () => access('CREATE TOPIC u').requireCreate('t'),
      'CREATE on topic t',
    ],
  ]
  for (const [what, run, denial] of rows) {
    it(`${denial === undefined ? 'allow' : 'do not allow'} ${what}`, () => {
      if (denial === undefined) run()
      else {
        const message = `User:me is not allowed ${denial}`
        assert.throws(run, { code: 'amqp:unauthorized-access', message })
      }
    })
  }

  it('are all granted without an authorizer', () => {
    const open = new ClientAccess(undefined, { principal: 'User:me' } as never)
    open.requireTopic('DELETE', 't')
    open.requireGroup('READ', 'g')
    open.requireCreate('t')
    assert.ok(open.isOpen && open.allows('CREATE', 'CLUSTER', 'kafka-cluster'))
    assert.equal(access().isOpen, false)
  })
})
