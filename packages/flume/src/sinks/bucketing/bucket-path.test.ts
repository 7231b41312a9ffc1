// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { hostname } from 'node:os'
import { describe, it } from 'node:test'
import { newHeaders } from '../../event.ts'
import { BucketPath, type BucketPathOptions, requiredBucketPath } from './bucket-path.ts'

const timestamp = String(Date.UTC(2026, 10, 5, 15, 47, 9, 250))
const headers = newHeaders({ timestamp, host: 'web1' })

function resolve(pattern: string, options: Partial<BucketPathOptions> = {}): string {
  const all = { timeZone: 'UTC', usesLocalTime: false, now: () => 0, ...options }
  return new BucketPath(pattern, all).resolve(headers)
}

describe("paths with Flume's escapes", () => {
  it('take headers, times and names of the machine', () => {
    assert.equal(resolve('/logs/%{host}/%Y-%m-%d/%H%M%S%%'), '/logs/web1/2026-11-05/154709%')
    assert.equal(
      resolve('%a %A %b %B %e %y %j %I %l %p %k %n %D'),
      'Thu Thursday Nov November 5 26 309 03 3 PM 15 11 11/05/26',
    )
    assert.equal(resolve('%s %t'), `${timestamp.slice(0, -3)} ${timestamp}`)
    assert.equal(resolve('%[localhost]/%{nothing}x'), `${hostname()}/x`)
  })

  it('are rounded down by the clock of the zone', () => {
    assert.equal(resolve('%H%M', { rounding: { unit: 'minute', value: 10 } }), '1540')
    assert.equal(
      resolve('%H%M%z', { rounding: { unit: 'hour', value: 24 }, timeZone: 'Asia/Kolkata' }),
      '0000+0530',
    )
    assert.equal(resolve('%H', { usesLocalTime: true, now: () => 0 }), '00')
  })

  it('round a field within the next larger one', () => {
    assert.equal(resolve('%H%M%S', { rounding: { unit: 'minute', value: 7 } }), '154200')
    assert.equal(resolve('%H%M%S', { rounding: { unit: 'second', value: 7 } }), '154707')
    assert.equal(resolve('%H%M%S', { rounding: { unit: 'hour', value: 7 } }), '140000')
  })

  it('stay in their directory, whatever headers say', () => {
    const path = new BucketPath('../logs/%{host}/%{file}', {
      timeZone: 'UTC',
      usesLocalTime: false,
      now: () => 0,
    })
    const at = (host: string, file = 'x'): string => path.resolvePath(newHeaders({ host, file }))
    assert.equal(at('web1'), '../logs/web1/x')
    assert.equal(at('a/b..c/...'), '../logs/a/b..c/.../x')
    assert.equal(at('../../etc', 'a/../b'), '../logs/__/__/etc/a/__/b')
    assert.equal(at('..', '\0'), '../logs/__/_')
  })

  it('say what they miss', () => {
    const path = new BucketPath('/%Y', {
      timeZone: 'UTC',

      usesLocalTime: false,
      now: () => 0,
    })
    assert.throws(
      () => path.resolve(newHeaders()),
      /no header timestamp; an interceptor of type timestamp/,
    )
    assert.throws(() => requiredBucketPath().parse('/%q'), /%q is none/)
  })
})
