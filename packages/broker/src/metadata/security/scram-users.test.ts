// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { pbkdf2Sync } from 'node:crypto'
import { describe, it } from 'node:test'
import { nodeWorld } from '@millrace/base'
import { parseScramUser, scramUserRecords, splitScramUsers } from './scram-users.ts'

describe('SCRAM users of a new cluster', () => {
  const good: readonly (readonly [string, string, number])[] = [
    ['SCRAM-SHA-256=[name=admin,password=secret]', 'admin', 4096],
    ['SCRAM-SHA-512=[name="a,b]",iterations=8192,password="se\\"cret"]', 'a,b]', 8192],
    ['SCRAM-SHA-256=[ name = bob , password = x=y ]', 'bob', 4096],
    ['SCRAM-SHA-256=[name=eve,salt="c2FsdA==",saltedpassword="c2VjcmV0"]', 'eve', 4096],
  ]
  for (const [text, name, iterations] of good) {
    it(`reads ${text}`, () => {
      const user = parseScramUser(text)
      assert.equal(user.name, name)
      assert.equal(user.iterations, iterations)
    })
  }

  const bad: readonly (readonly [string, RegExp])[] = [
    ['admin:secret', /brackets/],
    ['SCRAM-SHA-1=[name=a,password=secret]', /no mechanism SCRAM-SHA-1/],
    ['SCRAM-SHA-256=[password=secret]', /name is missing/],
    ['SCRAM-SHA-256=[name=a]', /one of password and saltedpassword/],
    ['SCRAM-SHA-256=[name=a,password=]', /is empty/],
    ['SCRAM-SHA-256=[name=a,password=secret,saltedpassword=secret]', /one of/],
    ['SCRAM-SHA-256=[name=a,saltedpassword=secret]', /without salt/],
    ['SCRAM-SHA-256=[name=a,password=secret,iterations=4095]', /allowed is 4096 to 16384/],
    ['SCRAM-SHA-256=[name=a,password=secret,iterations=16385]', /allowed is 4096 to 16384/],
    ['SCRAM-SHA-256=[name=a,password=secret,iterations=many]', /allowed is 4096 to 16384/],
    ['SCRAM-SHA-256=[name=a,pasword=secret]', /no field pasword/],
    ['SCRAM-SHA-256=[name=a,name=b,password=secret]', /repeated/],
  ]
  for (const [text, expected] of bad) {
    it(`refuses ${text} without quoting a secret`, () => {
      assert.throws(
        () => parseScramUser(text),
        (error: Error) => {
          assert.match(error.message, expected)
          assert.doesNotMatch(error.message, /secret\b/)
          return true
        },
      )
    })
  }

  it('are several in one text', () => {
    const one = 'SCRAM-SHA-256=[name=a,password="x];y"]'
    const two = 'SCRAM-SHA-512=[name=b,password=z]'
    assert.deepEqual(splitScramUsers(`${one};${two}`), [one, two])
    assert.deepEqual(splitScramUsers(`${one}\n${two},`), [one, two])
    assert.deepEqual(splitScramUsers(' '), [])
    assert.throws(() => splitScramUsers(`${one} rest`), /not a list of users/)
  })

  it('become the same record with a password and with the salted password', async () => {
    const salted = pbkdf2Sync('secret', 'salt', 4096, 64, 'sha512').toString('base64')
    const texts = [
      'SCRAM-SHA-512=[name=a,salt=c2FsdA==,password=secret]',
      `SCRAM-SHA-512=[name=a,salt=c2FsdA==,saltedpassword="${salted}"]`,
    ]
    const [one, two] = await scramUserRecords(texts.map(parseScramUser), nodeWorld.random)
    assert.deepEqual(one, two)
  })
})
