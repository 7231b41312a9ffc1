// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isAllowed, parseIpFilterRules } from './ip-filter.ts'

/** Rules, and the addresses that they allow and refuse. */
const rows: readonly (readonly [
  rules: string,
  allowed: readonly string[],
  refused: readonly string[],
])[] = [
  ['', ['10.0.0.1', '::1'], []],
  ['deny:ip:*', [], ['10.0.0.1', '::1']],
  // The first rule that fits decides; without one the peer is allowed.
  ['allow:ip:10.0.0.*,deny:ip:*', ['10.0.0.1', '10.0.0.255'], ['10.0.1.1', '::1']],
  ['deny:ip:10.0.0.*,allow:ip:*', ['10.0.1.1'], ['10.0.0.1']],
  ['deny:ip:10.0.0.1', ['10.0.0.10', '110.0.0.1'], ['10.0.0.1']],
  // A dot is a dot.
  ['deny:ip:10.0.0.1', ['10x0x0x1'], ['10.0.0.1']],
  // An IPv4 address in IPv6 notation is that IPv4 address.
  ['deny:ip:10.*', ['::ffff:11.0.0.1'], ['::ffff:10.0.0.1']],
  // Only the names of this host are known.
  ['allow:name:localhost,deny:ip:*', ['127.0.0.1', '127.8.8.8', '::1'], ['10.0.0.1']],
  ['allow:name:local*,deny:ip:*', ['127.0.0.1'], ['10.0.0.1']],
  ['allow:name:web*,deny:ip:*', [], ['127.0.0.1', '10.0.0.1']],
  [' deny:ip:10.* , , allow:ip:* ', ['11.0.0.1'], ['10.0.0.1']],
]

describe('ipFilterRules', () => {
  for (const [rules, allowed, refused] of rows) {
    it(JSON.stringify(rules), () => {
      const parsed = parseIpFilterRules(rules)
      for (const address of allowed) assert.equal(isAllowed(parsed, address), true, address)
      for (const address of refused) assert.equal(isAllowed(parsed, address), false, address)
    })
  }

  for (const text of ['ip:*', 'permit:ip:*', 'allow:host:x', 'allow:ip:', 'allow:ip:*,deny']) {
    it(`refuses ${text}`, () => {
      assert.throws(() => parseIpFilterRules(text), /allow or deny, ip or name, and a pattern/)
    })
  }
})
