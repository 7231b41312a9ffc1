// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { seededRandom } from '@millrace/testkit'
import { Users } from '../listener/users.ts'
import type { ProviderSecurity } from '../security/provider-security.ts'
import { defaultPolicy } from './destination-policy.ts'
import { ProviderConfig, parseListener, providerSettings } from './provider-config.ts'

const config = (settings: Readonly<Record<string, string>>): ProviderConfig =>
  new ProviderConfig(new Map(Object.entries(settings)))

describe('a listener', () => {
  for (const [text, expected] of [
    ['127.0.0.1:5672', ['amqp', '127.0.0.1', 5672]],
    ['amqps://host:1', ['amqps', 'host', 1]],
    ['ws://host:80', ['ws', 'host', 80]],
    ['wss://[::1]:65535', ['wss', '::1', 65_535]],
    [':0', ['amqp', '', 0]],
  ] as const) {
    it(`${text} is ${expected.join(' ')}`, () => {
      const { scheme, host, port } = parseListener(text)
      assert.deepEqual([scheme, host, port], expected)
    })
  }

  for (const text of [
    'host',
    'host:',
    'host:65536',
    'host:123456',
    'http://host:1',
    '::1:5672',
    '',
  ]) {
    it(`${JSON.stringify(text)} is refused`, () => {
      assert.throws(() => parseListener(text), { name: 'ProviderConfigError' })
    })
  }

  for (const [text, count] of [
    ['none', 0],
    ['', 0],
    ['a:1', 1],
    ['a:1, amqps://b:2', 2],
  ] as const) {
    it(`setting ${JSON.stringify(text)} has ${count}`, () => {
      assert.equal(config({ 'amqp.listener': text }).listeners.length, count)
    })
  }
})

describe('a setting', () => {
  it('has its default unless it is set; values have no spaces around them', () => {
    assert.equal(config({}).text('anonymous'), providerSettings.anonymous.default)
    assert.equal(config({ 'amqp.anonymous': ' never ' }).text('anonymous'), 'never')
    assert.equal(config({ 'other.key': 'x' }).text('anonymous'), 'loopback')
  })

  for (const [key, value, message] of [
    ['amqp.anonymus', 'never', /did you mean amqp\.anonymous\?/],
    [
      'amqp.anonymous',
      'sometimes',
      /"sometimes" for amqp\.anonymous: expected loopback, always, never/,
    ],
    ['amqp.max.connections', 'many', /expected a number/],
    ['amqp.exclusive', 'yes', /expected true or false/],
    ['amqp.dead.letter.queue', 'DLQ.*', /expected a queue name without wildcards/],
    ['amqp.destination.a.nothing', 'x', /expected amqp\.destination\.<pattern>\.<setting>/],
    ['amqp.destination.a.exclusive', 'yes', /expected true or false/],
  ] as const) {
    it(`${key}=${value} is refused`, () => {
      assert.throws(() => config({ [key]: value }), { name: 'ProviderConfigError', message })
    })
  }
})

describe('the settings of a destination', () => {
  it('are the defaults', () => assert.deepEqual(config({}).policyOf('queue', 'a'), defaultPolicy))

  it('are those of all destinations, then those of the patterns that match', () => {
    const { maxDeliveryAttempts, exclusive, deadLetterQueue } = config({
      'amqp.max.delivery.attempts': '3',
      'amqp.destination.a.exclusive': 'true',
      'amqp.destination.a.dead.letter.queue': 'none',
    }).policyOf('queue', 'a')
    assert.deepEqual([maxDeliveryAttempts, exclusive, deadLetterQueue], [3, true, undefined])
  })

  const matches: readonly (readonly [pattern: string, name: string, matches: boolean])[] = [
    ['a', 'a', true],
    ['a', 'ab', false],
    ['a.b', 'axb', false],
    ['*', 'a', true],
    ['*', 'a.b', false],
    ['a.*', 'a.b', true],
    ['a.*', 'a', false],
    ['a*', 'abc', true],
    ['*.b', 'a.b', true],
    ['#', 'a.b.c', true],
    ['a.#', 'a', true],
    ['a.#', 'a.b.c', true],
    ['a.#', 'ab', false],
    ['a(b', 'a(b', true],
    ['a+', 'aa', false],
  ]
  for (const [pattern, name, isMatch] of matches) {
    it(`of ${pattern} ${isMatch ? 'apply' : 'do not apply'} to ${name}`, () => {
      const settings = config({ [`amqp.destination.${pattern}.partitions`]: '7' })
      assert.equal(settings.policyOf('queue', name).partitions, isMatch ? 7 : 1)
    })
  }

  /** Patterns in the order of the file; the value of the last is that of its index. */
  for (const [patterns, name, winner] of [
    [['#', 'a'], 'a', 'a'],
    [['a', '#'], 'a', 'a'],
    [['a.b', 'a.*'], 'a.b', 'a.b'],
    [['a.*', 'a.#'], 'a.b', 'a.*'],
    [['a.b.c', 'a.#'], 'a.b.c', 'a.b.c'],
    [['*.b', 'a.*'], 'a.b', 'a.*'],
    [['a.*', '*.b'], 'a.b', '*.b'],
  ] as const) {
    it(`of ${patterns.join(' and ')} are those of ${winner} for ${name}`, () => {
      const settings = Object.fromEntries(
        patterns.map((pattern, i) => [`amqp.destination.${pattern}.partitions`, `${i + 2}`]),
      )
      const expected = (patterns as readonly string[]).indexOf(winner) + 2
      assert.equal(config(settings).policyOf('queue', name).partitions, expected)
    })
  }
})

describe('users', () => {
  const cluster: ProviderSecurity = {
    requiresAuthentication: true,
    scramDigests: ['sha512'],
    checkPassword: async (name, password) => name === 'kafka' && password === 'k',
    scramCredential: async () => undefined,
    acceptsTokens: true,
    checkToken: async (token) => (token === 't' ? { name: 'token user' } : undefined),
  }
  const some = { 'amqp.users': 'alice:secret,bob:a:b' }
  const scram = ['SCRAM-SHA-512', 'SCRAM-SHA-256', 'PLAIN']
  const open = ['PLAIN', 'ANONYMOUS']
  const ofCluster = ['SCRAM-SHA-512', 'OAUTHBEARER', 'XOAUTH2', 'PLAIN']

  const offers: readonly (readonly [
    what: string,
    settings: Readonly<Record<string, string>>,
    security: ProviderSecurity | undefined,
    address: string,
    certificate: string | undefined,
    mechanisms: readonly string[],
  ])[] = [
    ['nothing, on the same machine', {}, undefined, '127.0.0.1', undefined, open],
    ['nothing, from another machine', {}, undefined, '10.0.0.1', undefined, []],
    ['never anonymous', { 'amqp.anonymous': 'never' }, undefined, '127.0.0.1', undefined, []],
    ['always anonymous', { 'amqp.anonymous': 'always' }, undefined, '10.0.0.1', undefined, open],
    ['users', some, undefined, '127.0.0.1', undefined, scram],
    [
      'users, always anonymous',
      { ...some, 'amqp.anonymous': 'always' },
      undefined,
      '10.0.0.1',
      undefined,
      [...scram, 'ANONYMOUS'],
    ],
    ['a certificate', {}, undefined, '10.0.0.1', 'me', ['EXTERNAL']],
    ['users and a certificate', some, undefined, '10.0.0.1', 'me', ['EXTERNAL', ...scram]],
    ['a cluster with users', {}, cluster, '127.0.0.1', undefined, ofCluster],
    [
      'a cluster without users',
      {},
      { ...cluster, requiresAuthentication: false },
      '127.0.0.1',
      undefined,
      open,
    ],
    [
      'a cluster without tokens',
      {},
      { ...cluster, acceptsTokens: false },
      '127.0.0.1',
      undefined,
      ['SCRAM-SHA-512', 'PLAIN'],
    ],
    ['users instead of those of the cluster', some, cluster, '127.0.0.1', undefined, scram],
  ]
  for (const [what, settings, security, address, certificate, mechanisms] of offers) {
    it(`with ${what} may log in by ${mechanisms.join() || 'nothing'}`, () => {
      const users = new Users(config(settings), seededRandom(1), security)
      assert.deepEqual(users.authenticatorFor(address, certificate).mechanisms, mechanisms)
    })
  }

  const logins: readonly (readonly [
    settings: Readonly<Record<string, string>>,
    security: ProviderSecurity | undefined,
    address: string,
    name: string,
    password: string,
    isAccepted: boolean,
  ])[] = [
    [some, undefined, '10.0.0.1', 'alice', 'secret', true],
    [some, undefined, '10.0.0.1', 'bob', 'a:b', true],
    [some, undefined, '10.0.0.1', 'alice', 'wrong', false],
    [some, undefined, '10.0.0.1', 'alice', 'secre', false],
    [some, undefined, '10.0.0.1', 'carol', 'secret', false],
    [some, cluster, '10.0.0.1', 'kafka', 'k', false],
    [{}, undefined, '127.0.0.1', 'anyone', 'any', true],
    [{}, undefined, '10.0.0.1', 'anyone', 'any', false],
    [{}, cluster, '127.0.0.1', 'kafka', 'k', true],
    [{}, cluster, '127.0.0.1', 'kafka', 'x', false],
  ]
  for (const [settings, security, address, name, password, isAccepted] of logins) {
    it(`${name}:${password} from ${address} with ${Object.keys(settings).join() || 'no users'} and ${security === undefined ? 'no' : 'a'} cluster: ${isAccepted}`, async () => {
      const users = new Users(config(settings), seededRandom(1), security)
      const authenticator = users.authenticatorFor(address, undefined)
      assert.equal(await authenticator.checkPassword(name, password), isAccepted)
    })
  }

  it('of tokens are those of the cluster only', async () => {
    const userOf = (settings: Readonly<Record<string, string>>) =>
      new Users(config(settings), seededRandom(1), cluster)
        .authenticatorFor('10.0.0.1', undefined)
        .checkToken?.('t')
    assert.deepEqual(await userOf({}), { name: 'token user' })
    assert.equal(await userOf(some), undefined)
  })

  for (const [settings, security, name, external, expected] of [
    [some, undefined, 'alice', undefined, 'alice'],
    [{}, cluster, 'kafka', undefined, 'kafka'],
    [{}, undefined, 'anyone', undefined, undefined],
    [{}, undefined, 'me', 'me', 'me'],
    [{}, undefined, 'anyone', 'me', undefined],
  ] as const) {
    it(`${name} with ${external ?? 'no'} certificate is ${expected === undefined ? 'not ' : ''}verified`, () => {
      const users = new Users(config(settings), seededRandom(1), security)
      assert.equal(users.verified(name, external), expected)
    })
  }

  for (const list of ['alice', ':secret', 'alice:', 'alice:secret,bob']) {
    it(`are not ${list}`, () => {
      const make = (): Users =>
        new Users(config({ 'amqp.users': list }), seededRandom(1), undefined)
      assert.throws(make, { name: 'ProviderConfigError', message: /expected comma-separated/ })
    })
  }
})
