// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MetadataImage } from '../../metadata/metadata-image.ts'
import { clientSession, type Principal } from '../client-session.ts'
import {
  createToken,
  expiredTokens,
  expireToken,
  renewToken,
  requireTokenRequests,
  type StoredToken,
  tokenHmac,
} from './delegation-tokens.ts'

const HOUR = 3_600_000
const NOW = 100 * HOUR
/** Tokens last a week at most, and a day unless they are renewed. */
const settings = { secret: 'secret', maxLifetimeMs: 168 * HOUR, renewPeriodMs: 24 * HOUR }

function user(name: string, isTokenAuthenticated = false): Principal {
  return { type: 'User', name, isTokenAuthenticated }
}

/** What `work` returns, or the code of its error without the prefix. */
function outcome(work: () => string): string {
  try {
    return work()
  } catch (error) {
    return (error as { readonly code: string }).code.replace('DELEGATION_TOKEN_', '')
  }
}

/** Hours from now until a time. */
function hours(timestamp: bigint): number {
  return (Number(timestamp) - NOW) / HOUR
}

describe('a client that makes requests about tokens', () => {
  const cells: readonly (readonly [protocol: string, identity: Principal, outcome: string])[] = [
    ['SASL_SSL', user('alice'), 'allowed'],
    ['SASL_PLAINTEXT', user('alice'), 'allowed'],
    ['SSL', user('CN=alice'), 'allowed'],
    ['SSL', user('ANONYMOUS'), 'REQUEST_NOT_ALLOWED'],
    ['PLAINTEXT', user('ANONYMOUS'), 'REQUEST_NOT_ALLOWED'],
    ['PLAINTEXT', user('alice'), 'REQUEST_NOT_ALLOWED'],
    ['SASL_SSL', user('alice', true), 'REQUEST_NOT_ALLOWED'],
  ]
  for (const [securityProtocol, identity, expected] of cells) {
    const how = identity.isTokenAuthenticated ? ' by a token' : ''
    it(`${identity.name}${how} over ${securityProtocol}: ${expected}`, () => {
      const session = clientSession({
        identity,
        host: '127.0.0.1',
        listenerName: 'L',
        securityProtocol,
      })
      const found = outcome(() => {
        requireTokenRequests(session)
        return 'allowed'
      })
      assert.equal(found, expected)
    })
  }
})

function create(options: Partial<Parameters<typeof createToken>[0]> = {}): StoredToken {
  return createToken({
    tokenId: 'id',
    owner: user('owner'),
    requester: user('requester'),
    renewers: [{ principalType: 'User', principalName: 'renewer' }],
    maxLifetimeMs: -1n,
    settings,
    nowMs: NOW,
    ...options,
  }).token
}

describe('a new token', () => {
  const cells: readonly (readonly [
    what: string,
    options: Partial<Parameters<typeof createToken>[0]>,
    expiresAndEnds: string,
  ])[] = [
    ['by default lasts as long as tokens may', {}, 'expires in 24 h, ends in 168 h'],
    [
      'ends when its client asks',
      { maxLifetimeMs: BigInt(48 * HOUR) },
      'expires in 24 h, ends in 48 h',
    ],
    [
      'never expires after its end',
      { maxLifetimeMs: BigInt(2 * HOUR) },
      'expires in 2 h, ends in 2 h',
    ],
    [
      'never lasts longer than allowed',
      { maxLifetimeMs: BigInt(999 * HOUR) },
      'expires in 24 h, ends in 168 h',
    ],
    ['0 asks for the default', { maxLifetimeMs: 0n }, 'expires in 24 h, ends in 168 h'],
    ['needs a secret', { settings: { ...settings, secret: undefined } }, 'AUTH_DISABLED'],
    [
      'is renewed by users only',
      { renewers: [{ principalType: 'Group', principalName: 'g' }] },
      'INVALID_PRINCIPAL_TYPE',
    ],
  ]
  for (const [what, options, expected] of cells) {
    it(`${what}: ${expected}`, () => {
      const found = outcome(() => {
        const { expirationTimestamp, maxTimestamp } = create(options)
        return `expires in ${hours(expirationTimestamp)} h, ends in ${hours(maxTimestamp)} h`
      })
      assert.equal(found, expected)
    })
  }
})

/** An image with one token, of which the client knows the HMAC. */
function imageWith(token: StoredToken): MetadataImage {
  const image = new MetadataImage()
  image.apply({ kind: 'DelegationTokenRecord', version: 0, data: token })
  return image
}

/** A request: by which user, for which period, how many hours after the token was created. */
type Row = readonly [name: string, periodHours: number, atHours: number, outcome: string]

function change(
  operation: typeof renewToken,
  [name, periodHours, atHours]: Row,
  options: { readonly hmac?: Buffer; readonly secret?: string | undefined } = {},
): string {
  const secret = 'secret' in options ? options.secret : settings.secret
  return outcome(() => {
    const { token, records } = operation(imageWith(create()), {
      hmac: options.hmac ?? tokenHmac('secret', 'id'),
      principal: user(name),
      periodMs: BigInt(periodHours * HOUR),
      settings: { ...settings, secret },
      nowMs: NOW + atHours * HOUR,
    })
    const [record] = records
    if (record?.kind === 'RemoveDelegationTokenRecord') return 'removed'
    return `expires at ${hours(token.expirationTimestamp)} h`
  })
}

describe('renewing a token', () => {
  const rows: readonly Row[] = [
    ['owner', -1, 10, 'expires at 34 h'],
    ['requester', -1, 10, 'expires at 34 h'],
    ['renewer', -1, 10, 'expires at 34 h'],
    ['stranger', -1, 10, 'OWNER_MISMATCH'],
    ['owner', 3, 10, 'expires at 13 h'],
    ['owner', 0, 10, 'expires at 10 h'],
    // A period above the configured one counts as that.
    ['owner', 99, 10, 'expires at 34 h'],
    ['owner', -1, 24, 'expires at 48 h'],
    ['owner', -1, 25, 'EXPIRED'],
    ['stranger', -1, 25, 'EXPIRED'],
  ]
  for (const row of rows) {
    const [name, period, at, expected] = row
    it(`${name}, by ${period} h, after ${at} h: ${expected}`, () => {
      assert.equal(change(renewToken, row), expected)
    })
  }

  it('never moves the expiry past the end of the token', () => {
    const image = imageWith(create({ maxLifetimeMs: BigInt(30 * HOUR) }))
    const { token } = renewToken(image, {
      hmac: tokenHmac('secret', 'id'),
      principal: user('owner'),
      periodMs: -1n,
      settings,
      nowMs: NOW + 10 * HOUR,
    })
    assert.equal(hours(token.expirationTimestamp), 30)
  })
})

describe('expiring a token', () => {
  const rows: readonly Row[] = [
    ['owner', -1, 10, 'removed'],
    ['renewer', -1, 10, 'removed'],
    ['stranger', -1, 10, 'OWNER_MISMATCH'],
    ['owner', 0, 10, 'expires at 10 h'],
    ['owner', 3, 10, 'expires at 13 h'],
    // Unlike a renewal, it may exceed the configured period.
    ['owner', 50, 10, 'expires at 60 h'],
    ['owner', 999, 10, 'expires at 168 h'],
    ['owner', 3, 25, 'EXPIRED'],
    // What has expired may still be removed.
    ['owner', -1, 25, 'removed'],
  ]
  for (const row of rows) {
    const [name, period, at, expected] = row
    it(`${name}, in ${period} h, after ${at} h: ${expected}`, () => {
      assert.equal(change(expireToken, row), expected)
    })
  }
})

describe('finding a token', () => {
  const row: Row = ['owner', -1, 10, '']
  for (const operation of [renewToken, expireToken]) {
    it(`${operation.name} needs its HMAC`, () => {
      assert.equal(change(operation, row, { hmac: tokenHmac('other', 'id') }), 'NOT_FOUND')
      assert.equal(change(operation, row, { hmac: Buffer.of(1) }), 'NOT_FOUND')
      assert.equal(change(operation, row, { secret: undefined }), 'AUTH_DISABLED')
    })
  }
})

it('a token may last a millisecond', () => {
  assert.equal(create({ maxLifetimeMs: 1n }).maxTimestamp, BigInt(NOW + 1))
})

describe('tokens are removed', () => {
  const cells: readonly (readonly [
    what: string,
    lifetimeMs: bigint,
    atHours: readonly number[],
  ])[] = [
    ['once their expiry has passed', -1n, [0, 24, 24.001, 200]],
    ['once their end has passed', BigInt(2 * HOUR), [0, 2, 2.001, 200]],
  ]
  for (const [what, maxLifetimeMs, atHours] of cells) {
    it(`${what}, not before`, () => {
      const image = imageWith(create({ maxLifetimeMs }))
      const removed = atHours.map((hour) => expiredTokens(image, NOW + hour * HOUR))
      const record = { kind: 'RemoveDelegationTokenRecord', version: 0, data: { tokenId: 'id' } }
      assert.deepEqual(removed, [[], [], [record], [record]])
    })
  }
})

it('a token is one record of the metadata', () => {
  const { token, records } = createToken({
    tokenId: 'id',
    owner: user('owner'),
    requester: user('requester'),
    renewers: [],
    maxLifetimeMs: -1n,
    settings,
    nowMs: NOW,
  })
  assert.deepEqual(records, [{ kind: 'DelegationTokenRecord', version: 0, data: token }])
  assert.deepEqual([token.owner, token.requester], ['User:owner', 'User:requester'])
})
