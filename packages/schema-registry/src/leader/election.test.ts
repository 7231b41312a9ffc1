// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { decodeElection, type Election, elect, encodeElection } from './election.ts'
import { decodeIdentity, encodeIdentity, urlOf } from './registry-identity.ts'

/** Metadata of a member: `host:port`, `-` if it is not eligible; else the text itself. */
function metadata(text: string): Buffer {
  const [, host, port, mark] = /^(\w+):(\d+)(-?)$/.exec(text) ?? []
  if (host === undefined) return Buffer.from(text)
  return encodeIdentity({ scheme: 'http', host, port: Number(port), isEligible: mark === '' })
}

describe('elect', () => {
  const cells: readonly (readonly [
    rule: string,
    members: readonly string[],
    leader: string,
    error?: Election['error'],
  ])[] = [
    ['a single member leads', ['a:1'], 'm0 http://a:1'],
    ['the lowest URL leads, as text', ['b:1', 'a:9', 'a:10'], 'm2 http://a:10'],
    ['members that are not eligible never lead', ['a:1-', 'b:1'], 'm1 http://b:1'],
    ['no member leads unless one is eligible', ['a:1-', 'b:1-'], ''],
    [
      'two members of one URL are an error',
      ['a:1', 'a:1', 'b:1'],
      'm0 http://a:1',
      'duplicate URLs',
    ],
    [
      'members that are not readable do not lead',
      ['{', '{}', '[]', 'null', 'b:1'],
      'm4 http://b:1',
    ],
  ]
  for (const [rule, members, leader, error] of cells) {
    it(rule, () => {
      const election = elect(
        members.map((text, i) => ({ memberId: `m${i}`, metadata: metadata(text) })),
      )
      const { memberId, identity } = election
      assert.equal(identity === undefined ? '' : `${memberId} ${urlOf(identity)}`, leader)
      assert.equal(election.error, error)
      assert.deepEqual(decodeElection(encodeElection(election)), election)
    })
  }
})

describe("the forms of Confluent's registries", () => {
  it('of an identity', () => {
    assert.equal(
      String(encodeIdentity({ scheme: 'https', host: 'a', port: 8081, isEligible: true })),
      '{"version":1,"host":"a","port":8081,"master_eligibility":true,"scheme":"https"}',
    )
  })

  it('of an election', () => {
    const election = elect([{ memberId: 'm', metadata: metadata('a:1') }])
    assert.equal(
      String(encodeElection(election)),
      '{"version":1,"error":0,"master":"m","master_identity":{"version":1,"host":"a","port":1,"master_eligibility":true,"scheme":"http"}}',
    )
    assert.equal(String(encodeElection(elect([]))), '{"version":1,"error":0}')
  })

  const read: readonly (readonly [text: string, url: string | undefined])[] = [
    ['{"version":1,"host":"h","port":1,"master_eligibility":true}', 'http://h:1'],
    ['{"host":"h","port":1,"scheme":"https","leader":true}', 'https://h:1'],
    ['{"host":"::1","port":1}', 'http://[::1]:1'],
    ['{"host":"h/x","port":1}', undefined],
    ['{"host":"h@x","port":1}', undefined],
    ['{"host":"h","port":0}', undefined],
    ['{"host":"h","port":"1"}', undefined],
    ['{"host":"h","port":1,"scheme":"file"}', undefined],
    ['{"host":"h"}', undefined],
    [`{"host":"h","port":1,"x":"${'x'.repeat(20_000)}"}`, undefined],
  ]
  for (const [text, url] of read) {
    it(`${text.slice(0, 70)}: ${url ?? 'refused'}`, () => {
      if (url === undefined) {
        assert.throws(() => decodeIdentity(Buffer.from(text)), { code: 'MILLRACE_INVALID_MEMBER' })
      } else assert.equal(urlOf(decodeIdentity(Buffer.from(text))), url)
    })
  }
})
