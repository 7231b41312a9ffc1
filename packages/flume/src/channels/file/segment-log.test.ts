// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { SimulatedDisk } from '@millrace/testkit'
import { decodeFrame, FrameWriter } from './frames.ts'
import type { LogPosition } from './log-position.ts'
import { SegmentLog } from './segment-log.ts'

function logOn(disk: SimulatedDisk, minimumRequiredSpace = 0): SegmentLog {
  const log = new SegmentLog({
    fileSystem: disk,
    directories: ['/a', '/b'],
    segmentSize: 200,
    minimumRequiredSpace,
    syncs: true,
    writer: new FrameWriter(undefined),
  })
  log.open()
  return log
}

/** Appends takes of one position each, and gives the last one's segment. */
async function append(log: SegmentLog, from: number, to: number): Promise<number> {
  for (let position = from; position < to; position++) {
    await log.append({ write: (writer) => writer.take([position, position + 1]) })
  }
  return log.end.segment
}

function positionsIn(log: SegmentLog): number[] {
  const found: number[] = []
  for (let at: LogPosition | undefined = log.start; at !== undefined; ) {
    const { frames, next } = log.read(at)
    for (const frame of frames) {
      const decoded = decodeFrame(frame, undefined)
      if (decoded.kind === 'take') found.push(decoded.ranges[0] as number)
    }
    at = next
  }
  return found
}

const segmentsOn = (disk: SimulatedDisk): string[] =>
  ['/a', '/b'].flatMap((directory) => disk.list(directory).map(({ name }) => name))

describe('segment log', () => {
  it('settles every append of a failed group, also if a callback throws', async () => {
    const disk = new SimulatedDisk()
    const log = logOn(disk)
    const reasons: string[] = []
    const settled = Promise.allSettled(
      [0, 1, 2].map((position) =>
        log
          .append({
            write(writer) {
              if (position === 2) throw new Error('the frame cannot be written')
              writer.take([position, position + 1])
            },
            onFailed() {
              if (position === 0) throw new Error('the callback failed')
            },
          })
          .catch((error: Error) => reasons.push(error.message)),
      ),
    )
    await settled
    assert.deepEqual(reasons, [
      'the callback failed',
      "cannot write to the channel's log: the frame cannot be written",
      "cannot write to the channel's log: the frame cannot be written",
    ])
    await append(log, 7, 8)
    assert.deepEqual(positionsIn(log), [7], 'later appends are written')
  })

  it('writes over files that were given up, and reads nothing of their earlier life', async () => {
    const disk = new SimulatedDisk()
    const log = logOn(disk)
    const last = await append(log, 1000, 1100)
    log.removeBefore(last)
    assert.equal(segmentsOn(disk).length, 3, 'two are spare')
    const next = await append(log, 1100, 1125)
    assert.equal(segmentsOn(disk).length, 3, 'and are used')
    assert.ok(next > last)

    // Not closed: the last file keeps its length.
    const found = positionsIn(logOn(disk))
    assert.deepEqual(
      found,
      Array.from({ length: found.length }, (_, index) => 1125 - found.length + index),
    )
    assert.ok(found.length < 60)
    log.removeBefore(next)
    log.trim()
    assert.equal(segmentsOn(disk).length, 1)
    assert.equal(disk.usedBytes, log.end.offset)
  })

  it('gives spare files back when space is short', async () => {
    const disk = new SimulatedDisk()
    const log = logOn(disk, 300)
    log.removeBefore(await append(log, 1000, 1100))
    disk.capacityBytes = disk.usedBytes + 100
    assert.equal(segmentsOn(disk).length, 3)
    await append(log, 1100, 1101)
    assert.equal(segmentsOn(disk).length, 1)
    disk.capacityBytes = disk.usedBytes + 100
    await assert.rejects(append(log, 1101, 1102), /only 100 bytes are free at/)
  })

  it('rejects writes if the disk does not report its free space', async () => {
    const disk = new SimulatedDisk()
    const log = logOn(disk, 300)
    disk.space = () => {
      throw Object.assign(new Error('ENOENT: no such directory'), { code: 'ENOENT' })
    }
    await assert.rejects(append(log, 1000, 1001), /cannot write to the channel's log: ENOENT/)
  })
})
