// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ByteReader } from '@millrace/base'
import { ApiKey, ApiVersionsResponse, apis, codecOf, ErrorCode } from '@millrace/protocol'
import { SimulatedClock } from '@millrace/testkit'
import type { BrokerServices } from '../broker-services.ts'
import { handlers } from '../handlers/index.ts'
import { Muting } from './muting.ts'
import { isPipelined, isReadOnly, openRequest } from './open-request.ts'

/** A frame with a header of the API's version, and no body. */
function frame(apiKey: number, version: number, clientId = 'me'): Buffer {
  const bytes = Buffer.alloc(10)
  bytes.writeInt16BE(apiKey, 0)
  bytes.writeInt16BE(version, 2)
  bytes.writeInt32BE(77, 4)
  bytes.writeInt16BE(clientId.length, 8)
  // An empty list of tagged fields, for headers that have one.
  return Buffer.concat([bytes, Buffer.from(clientId), Buffer.of(0)])
}

const all: BrokerServices['handlers'] = handlers
const open = (bytes: Buffer, isController = false) => openRequest(bytes, all, { isController })

describe('the header of a request', () => {
  /** API, version, whether the listener is a controller's; the place of the body, or the error. */
  const rows: readonly (readonly [
    api: keyof typeof ApiKey | number,
    version: number,
    isController: boolean,
    outcome: number | RegExp,
  ])[] = [
    // From its flexible versions on, a header has tagged fields.
    ['Metadata', 8, false, 12],
    ['Metadata', 9, false, 13],
    ['Metadata', 99, false, /: Metadata has no version 99$/],
    ['Metadata', -1, false, /: Metadata has no version -1$/],
    [999, 0, false, /: API key 999 is not answered here$/],
    [-1, 0, false, /: API key -1 is not answered here$/],
    ['Produce', 1, false, /: Produce has no version 1$/],
    ['Produce', 9, true, /: API key 0 is not answered here$/],
    ['Metadata', 9, true, /: API key 3 is not answered here$/],
    ['ApiVersions', 3, true, 13],
    ['DescribeCluster', 1, true, 13],
  ]
  for (const [api, version, isController, outcome] of rows) {
    it(`${api} ${version}${isController ? ' for a controller' : ''}`, () => {
      const bytes = frame(typeof api === 'number' ? api : ApiKey[api], version)
      if (outcome instanceof RegExp) {
        assert.throws(() => open(bytes, isController), outcome)
        return
      }
      const opened = open(bytes, isController)
      assert.ok(opened.kind === 'opened')
      assert.deepEqual(
        [opened.api.name, opened.version, opened.correlationId, opened.clientId],
        [api, version, 77, 'me'],
      )
      assert.equal(opened.reader.offset, outcome)
    })
  }

  it('in an unknown version of ApiVersions is answered with the known ones (KIP-511)', () => {
    const opened = open(frame(ApiKey.ApiVersions, 99))
    assert.ok(opened.kind === 'refused')
    const bytes = Buffer.concat(
      opened.pieces.filter((piece): piece is Buffer => Buffer.isBuffer(piece)),
    )
    const reader = new ByteReader(bytes)
    assert.equal(reader.int32(), bytes.length - 4)
    assert.equal(reader.int32(), 77)
    const { errorCode, apiKeys } = codecOf(ApiVersionsResponse, 0).decode(reader)
    assert.equal(errorCode, ErrorCode.UNSUPPORTED_VERSION)
    assert.ok(apiKeys.some(({ apiKey }) => apiKey === ApiKey.ApiVersions))
  })

  it('may be followed by bytes that are not a header', () => {
    assert.throws(() => open(Buffer.of(0, 3, 0)), { name: 'MalformedInputError' })
  })
})

describe('a request', () => {
  it('is read-only if its only effect is its reply', () => {
    const names = (is: (bytes: Buffer) => boolean): string[] =>
      [...apis.values()].filter(({ key }) => is(frame(key, 0))).map(({ name }) => name)
    const readOnly = names(isReadOnly)
    for (const name of ['Fetch', 'Metadata', 'ListOffsets', 'DescribeConfigs', 'OffsetFetch']) {
      assert.ok(readOnly.includes(name), name)
    }
    // ShareFetch acquires records; InitProducerId fences; these have effects without a reader.
    for (const name of ['Produce', 'ShareFetch', 'InitProducerId', 'Heartbeat', 'JoinGroup']) {
      assert.ok(!readOnly.includes(name), name)
    }
    const changing = /^(Alter|Create|Delete|Add|End|Write|Incremental|Expire|Renew|Update|Elect)/
    assert.deepEqual(
      readOnly.filter((name) => changing.test(name)),
      [],
    )
    assert.deepEqual(
      names((bytes) => isPipelined(bytes, all)),
      ['Produce'],
    )
  })

  it('without a header is neither', () => {
    assert.equal(isReadOnly(Buffer.of(0)), false)
    assert.equal(isPipelined(Buffer.of(0), all), false)
  })
})

describe('a muted connection', () => {
  /** Times at which it is muted and for how long, by milliseconds; the time at which it ends. */
  const rows: readonly (readonly [mutes: readonly (readonly [number, number])[], end: number])[] = [
    [[[0, 100]], 100],
    // The later end counts.
    [
      [
        [0, 100],
        [50, 100],
      ],
      150,
    ],
    [
      [
        [0, 100],
        [50, 10],
      ],
      100,
    ],
  ]
  for (const [mutes, end] of rows) {
    it(`by ${mutes.map(([at, ms]) => `${ms} ms at ${at}`).join(', ')} continues at ${end}`, async () => {
      const clock = new SimulatedClock()
      const ends: number[] = []
      const muting = new Muting(clock.process(), () => ends.push(clock.elapsedMs))
      const at = (ms: number, run: () => void): void => void clock.schedule(ms, run)
      for (const [ms, throttleMs] of mutes) at(ms, () => muting.extend(throttleMs))
      at(end - 1, () => assert.equal(muting.isMuted, true))
      await clock.run(new Promise<void>((resolve) => at(end + 50, resolve)), 1000)
      assert.deepEqual([ends, muting.isMuted], [[end], false])
    })
  }

  it('that is closed is not continued', async () => {
    const clock = new SimulatedClock()
    let count = 0
    const muting = new Muting(clock.process(), () => count++)
    muting.extend(100)
    muting.end()
    assert.equal(muting.isMuted, false)
    await clock.run(new Promise<void>((resolve) => void clock.schedule(200, resolve)), 1000)
    assert.equal(count, 0)
  })
})
