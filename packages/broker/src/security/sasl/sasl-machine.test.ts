// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ApiKey } from '@millrace/protocol'
import type { Principal } from '../client-session.ts'
import { onRequest, onSuccess, onToken, type SaslState } from './sasl-machine.ts'

const user = (name: string): Principal => ({ type: 'User', name, isTokenAuthenticated: false })
const mechanisms = ['PLAIN', 'SCRAM-SHA-256']

const start: SaslState = { kind: 'start' }
const handshake: SaslState = { kind: 'handshake' }
const tokens: Extract<SaslState, { readonly kind: 'tokens' }> = {
  kind: 'tokens',
  mechanism: 'PLAIN',
  isBare: false,
  previous: undefined,
}
const closed: SaslState = { kind: 'closed' }
const login = { principal: user('alice'), mechanism: 'PLAIN', endsAtMs: 5000, beganAtMs: 100 }
const limited: SaslState = { kind: 'done', login }
const unlimited: SaslState = { kind: 'done', login: { ...login, endsAtMs: undefined } }

/** `API/version[:mechanism]` as a request. */
function request(text: string) {
  const [, name = '', version, mechanism] = /^(\w+)\/(\d+)(?::(.*))?$/.exec(text) ?? []
  const apiKey = ApiKey[name as keyof typeof ApiKey]
  return { apiKey, apiVersion: Number(version), mechanism }
}

/** State, time, request: action, and next state. Recorded from Apache Kafka 4.4.0. */
const table: readonly (readonly [SaslState, number, string, string, string])[] = [
  [start, 0, 'ApiVersions/4', 'serve', 'handshake'],
  [start, 0, 'Metadata/13', 'close', 'closed'],
  [start, 0, 'SaslAuthenticate/2', 'close', 'closed'],
  [start, 0, 'SaslHandshake/1:PLAIN', 'answerHandshake 0', 'tokens PLAIN'],
  [start, 0, 'SaslHandshake/0:PLAIN', 'answerHandshake 0', 'tokens PLAIN bare'],
  [start, 0, 'SaslHandshake/1:GSSAPI', 'answerHandshake 33 closes', 'closed'],
  [start, 0, 'SaslHandshake/1:', 'answerHandshake 33 closes', 'closed'],
  [handshake, 0, 'ApiVersions/4', 'close', 'closed'],
  [handshake, 0, 'Produce/12', 'close', 'closed'],
  [handshake, 0, 'SaslAuthenticate/2', 'close', 'closed'],
  [handshake, 0, 'SaslHandshake/1:SCRAM-SHA-256', 'answerHandshake 0', 'tokens SCRAM-SHA-256'],
  [tokens, 0, 'SaslAuthenticate/2', 'evaluate', 'tokens PLAIN'],
  [tokens, 0, 'SaslHandshake/1:PLAIN', 'answerHandshake 34 closes', 'closed'],
  [tokens, 0, 'ApiVersions/0', 'refuseVersions 34', 'closed'],
  [tokens, 0, 'Metadata/13', 'close delayed', 'closed'],
  [limited, 4999, 'Metadata/13', 'serve', 'done'],
  [limited, 5000, 'Metadata/13', 'close', 'closed'],
  [limited, 5000, 'ApiVersions/4', 'close', 'closed'],
  [limited, 5000, 'SaslHandshake/1:PLAIN', 'answerHandshake 0', 'tokens PLAIN again'],
  [limited, 2000, 'SaslHandshake/1:PLAIN', 'answerHandshake 0', 'tokens PLAIN again'],
  [
    limited,
    2000,
    'SaslHandshake/1:SCRAM-SHA-256',
    'answerHandshake 0',
    'tokens SCRAM-SHA-256 again',
  ],
  [limited, 1099, 'SaslHandshake/1:PLAIN', 'serve', 'done'],
  [limited, 2000, 'SaslAuthenticate/2', 'serve', 'done'],
  [unlimited, 1e9, 'SaslHandshake/1:PLAIN', 'serve', 'done'],
  [unlimited, 1e9, 'Metadata/13', 'serve', 'done'],
  [closed, 0, 'ApiVersions/4', 'close', 'closed'],
]

function shown(state: SaslState): string {
  if (state.kind !== 'tokens') return state.kind
  const bare = state.isBare ? ' bare' : ''
  return `tokens ${state.mechanism}${bare}${state.previous === undefined ? '' : ' again'}`
}

describe('the SASL conversation', () => {
  for (const [state, nowMs, text, expectedAction, expectedState] of table) {
    it(`${shown(state)} at ${nowMs}: ${text} → ${expectedAction}`, () => {
      const { state: next, action } = onRequest(state, request(text), { mechanisms, nowMs })
      const details = [
        'errorCode' in action ? ` ${action.errorCode}` : '',
        'closes' in action && action.closes ? ' closes' : '',
        'isDelayed' in action && action.isDelayed ? ' delayed' : '',
      ]
      assert.equal(action.kind + details.join(''), expectedAction)
      assert.equal(shown(next), expectedState)
    })
  }

  it('refuses another mechanism at its first token, during re-authentication', () => {
    const step = onToken({
      kind: 'tokens',
      mechanism: 'SCRAM-SHA-256',
      isBare: false,
      previous: login,
    })
    assert.equal(step.action.kind, 'close')
    assert.equal('isDelayed' in step.action && step.action.isDelayed, true)
  })

  const success = { credentialMs: undefined, maxReauthMs: 0, beganAtMs: 9000, nowMs: 10_000 }
  const again = { ...tokens, previous: login } as const

  /** Previous login, principal, life of the credentials, limit: life of the session, or refused. */
  const logins = [
    [tokens, 'alice', undefined, 0, 0],
    [tokens, 'alice', undefined, 5000, 5000],
    [tokens, 'alice', 700, 0, 700],
    [tokens, 'alice', 700, 5000, 700],
    [tokens, 'alice', 9000, 5000, 5000],
    [tokens, 'alice', -1, 0, 0],
    [again, 'alice', undefined, 5000, 5000],
    [again, 'bob', undefined, 5000, undefined],
  ] as const
  for (const [state, name, credentialMs, maxReauthMs, lifetimeMs] of logins) {
    it(`${shown(state)} as ${name}: ${credentialMs} and ${maxReauthMs} → ${lifetimeMs}`, () => {
      const principal = user(name)
      const result = onSuccess(state, { ...success, principal, credentialMs, maxReauthMs })
      if (result.kind === 'refused') {
        assert.equal(lifetimeMs, undefined)
        assert.match(result.message, /^Cannot change principals .* from User.alice: User.bob$/)
        return
      }
      assert.equal(result.lifetimeMs, lifetimeMs)
      assert.equal(result.state.kind, 'done')
    })
  }

  it('ends a session at once whose credentials have expired', () => {
    const result = onSuccess(tokens, { ...success, principal: user('a'), credentialMs: -1 })
    const next = onRequest(result.state, request('Metadata/13'), { mechanisms, nowMs: 10_000 })
    assert.equal(next.action.kind, 'close')
  })
})
