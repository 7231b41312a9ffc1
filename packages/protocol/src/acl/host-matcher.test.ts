// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { cidrProblem, hostMatcher, hostText } from './host-matcher.ts'

describe('the host of an ACL', () => {
  const rows: readonly [host: string, client: string, matches: boolean][] = [
    ['*', '10.0.0.1', true],
    ['10.0.0.1', '10.0.0.1', true],
    ['10.0.0.1', '10.0.0.2', false],
    ['10.0.0.1', '::ffff:10.0.0.1', true],
    ['::1', '::1', false],
    ['0:0:0:0:0:0:0:1', '::1', true],
    ['10.0.0.0/8', '10.200.1.2', true],
    ['10.0.0.0/8', '::ffff:10.200.1.2', true],
    ['10.0.0.0/8', '11.0.0.1', false],
    ['2001:db8::/32', '2001:db8::5', true],
    ['2001:db8::/32', '2001:db9::5', false],
    ['0.0.0.0/0', '2001:db8::5', false],
    ['some.host', '10.0.0.1', false],
    ['10.0.0.0/99', '10.0.0.1', false],
  ]
  for (const [host, client, matches] of rows) {
    it(`${host} ${matches ? 'matches' : 'does not match'} ${client}`, () => {
      assert.equal(hostMatcher(host)(hostText(client)), matches)
    })
  }

  it('is refused in CIDR notation that no address fits', () => {
    for (const good of ['*', 'some.host', '10.0.0.0/8', '::/0', '2001:db8::/128']) {
      assert.equal(cidrProblem(good), undefined)
    }
    assert.match(cidrProblem('127.0.0.0/99') ?? '', /Value \[99\] not in range \[0,32\]/)
    for (const bad of ['a/8', '10.0.0.0/', '10.0.0.0/8/8', '10.0.0.0/-1', '::/129', '/']) {
      assert.match(cidrProblem(bad) ?? '', /Invalid CIDR notation/)
    }
  })
})

describe('the address of a client', () => {
  const rows: readonly [address: string, text: string][] = [
    ['127.0.0.1', '127.0.0.1'],
    ['::ffff:127.0.0.1', '127.0.0.1'],
    ['::1', '0:0:0:0:0:0:0:1'],
    ['::', '0:0:0:0:0:0:0:0'],
    ['2001:db8::5', '2001:db8:0:0:0:0:0:5'],
    ['fe80::1%eth0', 'fe80:0:0:0:0:0:0:1'],
    ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
    ['2001:0DB8::0005', '2001:db8:0:0:0:0:0:5'],
  ]
  for (const [address, text] of rows) {
    it(`${address} is ${text}`, () => assert.equal(hostText(address), text))
  }
})
