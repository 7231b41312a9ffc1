// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { nodeWorld, silentLogger } from '@millrace/base'
import { buildBatch, RecordBatch } from '@millrace/protocol'
import fc from 'fast-check'
import { BrokerConfig } from '../config/broker-config.ts'
import { resolveLogConfig } from '../config/topic-config.ts'
import { memoryFileSystem } from '../storage/memory-file-system.ts'
import { PartitionLog } from './partition-log.ts'
import { LogSlice } from './shared-file.ts'

function openLog(overrides: Readonly<Record<string, string>>): PartitionLog {
  const layers = {
    file: new BrokerConfig(new Map()),
    dynamic: new Map(),
    dynamicDefault: new Map(),
  }
  return PartitionLog.open({
    world: { ...nodeWorld, fileSystem: memoryFileSystem() },
    logger: silentLogger,
    directory: '/log/t-0',
    name: 't-0',
    config: resolveLogConfig(new Map(Object.entries(overrides)), layers),
    wasClean: true,
    recoveryPoint: 0n,
    logStartOffset: 0n,
    durable: false,
    onFailure(error) {
      throw error
    },
  })
}

/** Appends a batch of `count` records that take `size` bytes each. */
function append(log: PartitionLog, count: number, size: number): void {
  const records = Array.from({ length: count }, () => ({
    timestamp: 1_700_000_000_000n,
    key: null,
    value: Buffer.alloc(size, 'v'),
  }))
  log.append([new RecordBatch(buildBatch(records))], 0)
}

function bytesOf(data: Buffer | LogSlice): Buffer {
  if (!(data instanceof LogSlice)) return data
  const bytes = Buffer.alloc(data.length)
  data.read(bytes, 0)
  return bytes
}

describe('a slice of a log', () => {
  it('contains the batches that a read returns', () => {
    const batches = fc.array(fc.tuple(fc.integer({ min: 1, max: 5 }), fc.nat(6000)), {
      minLength: 1,
      maxLength: 80,
    })
    const options = fc.record({
      from: fc.double({ min: 0, max: 1, noNaN: true }),
      to: fc.double({ min: 0, max: 1.1, noNaN: true }),
      maxBytes: fc.oneof(fc.nat(200), fc.nat(300_000)),
      atLeastOne: fc.boolean(),
      readLimit: fc.constantFrom(0, 5000, 65_536),
    })
    fc.assert(
      fc.property(batches, fc.array(options, { minLength: 5, maxLength: 20 }), (sizes, reads) => {
        const log = openLog({ 'internal.segment.bytes': '100000' })
        for (const [count, size] of sizes) append(log, count, size)
        const end = Number(log.logEndOffset)
        for (const { from, to, ...rest } of reads) {
          const offset = BigInt(Math.floor(from * end))
          const endOffset = BigInt(Math.min(end, Math.floor(to * end)))
          const expected = log.read({ offset, endOffset, ...rest })
          const slice = log.slice({ offset, endOffset, ...rest })
          assert.ok(bytesOf(slice).equals(expected), `${offset} to ${endOffset}`)
          if (rest.readLimit === 0 && expected.length > 0) assert.ok(slice instanceof LogSlice)
        }
      }),
      { numRuns: 60 },
    )
  })

  it('stays readable while it is retained, even if its segment is deleted', () => {
    const log = openLog({ 'internal.segment.bytes': '100000', 'retention.bytes': '1' })
    for (let i = 0; i < 40; i++) append(log, 2, 5000)
    const slice = log.slice({
      offset: 0n,
      endOffset: log.highWatermark,
      maxBytes: 80_000,
      atLeastOne: true,
      readLimit: 0,
    })
    assert.ok(slice instanceof LogSlice)
    const before = bytesOf(slice)
    slice.retain()
    log.enforceRetention(Date.now())
    assert.ok(log.logStartOffset > 0n)
    assert.ok(bytesOf(slice).equals(before))
    slice.release()
  })
})
