// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { hostname } from 'node:os'
import { describe, it } from 'node:test'
import { newHeaders } from '../../event.ts'
import { BucketPath, type BucketPathOptions, checkBucketPath } from './bucket-path.ts'

const timestamp = String(Date.UTC(2026, 10, 5, 15, 47, 9, 250))
const headers = newHeaders({ timestamp, host: 'web1' })

function resolve(pattern: string, options: Partial<BucketPathOptions> = {}): string {
  const all = { timeZone: 'UTC', roundMs: 0, usesLocalTime: false, now: () => 0, ...options }
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
    assert.equal(resolve('%H%M', { roundMs: 10 * 60_000 }), '1540')
    assert.equal(
      resolve('%H%M%z', { roundMs: 24 * 3_600_000, timeZone: 'Asia/Kolkata' }),
      '0000+0530',
    )
    assert.equal(resolve('%H', { usesLocalTime: true, now: () => 0 }), '00')
  })

  it('say what they miss', () => {
    const path = new BucketPath('/%Y', {
      timeZone: 'UTC',
      roundMs: 0,
      usesLocalTime: false,
      now: () => 0,
    })
    assert.throws(
      () => path.resolve(newHeaders()),
      /no header timestamp; an interceptor of type timestamp/,
    )
    assert.throws(() => checkBucketPath('/%q'), /%q is none/)
  })
})
