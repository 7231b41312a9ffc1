// SPDX-License-Identifier: Apache-2.0
import {
  closeSync,
  existsSync,
  fstatSync,
  openSync,
  readdirSync,
  readSync,
  statSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { type MillraceError, systemErrorCode } from '@millrace/base'
import {
  LOG_OVERHEAD,
  RECORD_BATCH_HEADER_SIZE,
  RecordBatch,
  readRecords,
} from '@millrace/protocol'
import { printRows, type Row, toJson } from '../client/output.ts'
import type { Command } from '../command.ts'
import { UsageError } from '../usage-error.ts'

const MAX_BATCH_BYTES = 256 * 1024 * 1024
const INDEX_ENTRY = 8
const TIME_INDEX_ENTRY = 12

/** One batch of a segment, or the problem at its position. */
type Step =
  | { readonly kind: 'batch'; readonly at: number; readonly batch: RecordBatch }
  | { readonly kind: 'problem'; readonly at: number; readonly problem: string }

/** Reads a segment batch by batch, whatever its size. */
function* batchesOf(path: string): Generator<Step> {
  const fd = openSync(path, 'r')
  try {
    const { size } = fstatSync(fd)
    const header = Buffer.alloc(RECORD_BATCH_HEADER_SIZE)
    for (let at = 0; at < size; ) {
      const left = size - at
      const read = readSync(fd, header, 0, Math.min(header.length, left), at)
      // Preallocated space that was never used.
      if (header.subarray(0, read).every((byte) => byte === 0)) return
      const length = read < LOG_OVERHEAD ? -1 : header.readInt32BE(8)
      const total = LOG_OVERHEAD + length
      if (length < RECORD_BATCH_HEADER_SIZE - LOG_OVERHEAD || total > MAX_BATCH_BYTES) {
        yield { kind: 'problem', at, problem: `no batch at this position (length ${length})` }
        return
      }
      if (total > left) {
        yield { kind: 'problem', at, problem: `the batch is truncated: ${left} of ${total} bytes` }
        return
      }
      const bytes = Buffer.allocUnsafe(total)
      readSync(fd, bytes, 0, total, at)
      yield { kind: 'batch', at, batch: new RecordBatch(bytes) }
      at += total
    }
  } finally {
    closeSync(fd)
  }
}

/** `.log` files at or below a path, in order. */
function segmentsAt(path: string): string[] {
  try {
    if (statSync(path).isFile()) {
      if (path.endsWith('.log')) return [path]
      throw new UsageError(`${path} is not a segment: expected a name that ends in .log`)
    }
    return readdirSync(path, { withFileTypes: true })
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .flatMap((entry) => {
        const inner = join(path, entry.name)
        if (entry.isDirectory()) return segmentsAt(inner)
        return /^\d{20}\.log$/.test(entry.name) ? [inner] : []
      })
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError(`cannot read ${path}: ${systemErrorCode(error) ?? error}`)
  }
}

function describeBatch(at: number, batch: RecordBatch): Row {
  const flags = [
    batch.isTransactional ? 'transactional' : '',
    batch.isControl ? 'control' : '',
    batch.hasLogAppendTime ? 'log-append-time' : '',
  ].filter((flag) => flag !== '')
  return {
    position: at,
    baseOffset: batch.baseOffset,
    lastOffset: batch.lastOffset,
    count: batch.count,
    size: batch.size,
    leaderEpoch: batch.partitionLeaderEpoch,
    maxTimestamp: batch.maxTimestamp,
    compression: batch.compression ?? `unknown (${batch.attributes & 7})`,
    producerId: batch.producerId,
    producerEpoch: batch.producerEpoch,
    baseSequence: batch.baseSequence,
    flags: flags.join(','),
    crc: batch.crc === batch.computeCrc() ? 'valid' : 'WRONG',
  }
}

const dump: Command = {
  name: 'dump',
  summary: 'prints the batches of log segments, or their records',
  positionals: ['PATH...'],
  options: {
    records: { short: 'r', help: 'prints each record with key, value and headers' },
    json: { help: 'prints JSON, one object per line' },
  },
  details: `PATH is a segment (.log), a partition's directory or a whole data directory, of millrace or of Apache Kafka.

Example:
  millrace log dump millrace-data/orders-0 --records`,
  async run(parsed) {
    const json = parsed.has('json')
    let problems = 0
    for (const path of parsed.positionals.flatMap(segmentsAt)) {
      if (!json) process.stdout.write(`${path}\n`)
      const rows: Row[] = []
      for (const step of batchesOf(path)) {
        if (step.kind === 'problem') {
          problems++
          rows.push({ position: step.at, problem: step.problem })
        } else if (parsed.has('records')) dumpRecords(step.batch, rows)
        else rows.push(describeBatch(step.at, step.batch))
        if (rows.length >= 1000) printPart(rows, { json, path })
      }
      printPart(rows, { json, path })
    }
    return problems === 0 ? 0 : 1
  },
}

function printPart(
  rows: Row[],
  { json, path }: { readonly json: boolean; readonly path: string },
): void {
  const part = rows.splice(0)
  if (json) for (const row of part) process.stdout.write(`${toJson({ file: path, ...row })}\n`)
  else printRows(part, { json: false })
}

function dumpRecords(batch: RecordBatch, rows: Row[]): void {
  try {
    for (const { offset, timestamp, key, value, headers } of readRecords(batch)) {
      rows.push({
        offset,
        timestamp,
        key: key?.toString() ?? null,
        value: value?.toString() ?? null,
        headers: headers.map((header) => `${header.key}=${header.value}`),
      })
    }
  } catch (error) {
    rows.push({ offset: batch.baseOffset, problem: (error as Error).message })
  }
}

/** Problems of one segment and its indexes. */
function* verifySegment(
  path: string,
  expectedFrom: bigint,
): Generator<string, { readonly next: bigint; readonly records: number }> {
  const base = BigInt(basename(path, '.log'))
  let next = base > expectedFrom ? base : expectedFrom
  let records = 0
  let epoch = -1
  const positions = new Map<number, bigint>()
  for (const step of batchesOf(path)) {
    if (step.kind === 'problem') {
      yield `at ${step.at}: ${step.problem}`
      continue
    }
    const { batch, at } = step
    positions.set(at, batch.lastOffset)
    const where = `offset ${batch.baseOffset} at ${at}`
    if (batch.magic !== 2) yield `${where}: format ${batch.magic} instead of 2`
    if (batch.crc !== batch.computeCrc()) {
      yield `${where}: the CRC is ${batch.crc}, but ${batch.computeCrc()} was computed`
      continue
    }
    if (batch.baseOffset < next) yield `${where}: offset decreases, expected at least ${next}`
    if (batch.partitionLeaderEpoch < epoch) {
      yield `${where}: leader epoch ${batch.partitionLeaderEpoch} after ${epoch}`
    }
    epoch = Math.max(epoch, batch.partitionLeaderEpoch)
    next = batch.nextOffset
    records += batch.count
    try {
      readRecords(batch)
    } catch (error) {
      yield `${where}: ${(error as MillraceError).message}`
    }
  }
  yield* verifyIndexes(path, base, positions)
  return { next, records }
}

function* verifyIndexes(
  path: string,
  base: bigint,
  positions: ReadonlyMap<number, bigint>,
): Generator<string> {
  const index = read(path.replace(/\.log$/, '.index'))
  let last = -1
  for (let at = 0; at + INDEX_ENTRY <= index.length; at += INDEX_ENTRY) {
    const [relative, position] = [index.readInt32BE(at), index.readInt32BE(at + 4)]
    // Kafka preallocates indexes; the space after the last entry is zero.
    if (relative === 0 && position === 0) break
    if (relative <= last)
      yield `.index entry ${at / INDEX_ENTRY}: offset ${base + BigInt(relative)} decreases`
    last = relative
    const found = positions.get(position)
    if (found === undefined)
      yield `.index entry ${at / INDEX_ENTRY}: no batch starts at ${position}`
    else if (found < base + BigInt(relative)) {
      yield `.index entry ${at / INDEX_ENTRY}: offset ${base + BigInt(relative)} is not in the batch at ${position}`
    }
  }
  const times = read(path.replace(/\.log$/, '.timeindex'))
  let lastTime = -1n
  for (let at = 0; at + TIME_INDEX_ENTRY <= times.length; at += TIME_INDEX_ENTRY) {
    const time = times.readBigInt64BE(at)
    if (time === 0n && times.readInt32BE(at + 8) === 0) break
    if (time < lastTime) yield `.timeindex entry ${at / TIME_INDEX_ENTRY}: time ${time} decreases`
    lastTime = time
  }
}

function read(path: string): Buffer {
  if (!existsSync(path)) return Buffer.alloc(0)
  const fd = openSync(path, 'r')
  try {
    const bytes = Buffer.alloc(fstatSync(fd).size)
    readSync(fd, bytes, 0, bytes.length, 0)
    return bytes
  } finally {
    closeSync(fd)
  }
}

const verify: Command = {
  name: 'verify',
  summary: 'checks all batches, records and indexes of a data directory',
  positionals: ['PATH...'],
  options: { json: { help: 'prints JSON, one object per line' } },
  details: `PATH is a data directory, a partition's directory or a segment, of millrace or of Apache Kafka. No broker should write
to it meanwhile. Exit status is 1 if a problem was found.

Example:
millrace log verify ./millrace-data`,
  async run(parsed) {
    const json = parsed.has('json')
    let problems = 0
    let records = 0
    let segments = 0
    const partitions = new Set<string>()
    let directory = ''
    let next = 0n
    for (const path of parsed.positionals.flatMap(segmentsAt)) {
      if (dirname(path) !== directory) next = 0n
      directory = dirname(path)
      partitions.add(directory)
      segments++
      const steps = verifySegment(path, next)
      for (let step = steps.next(); ; step = steps.next()) {
        if (step.done === true) {
          next = step.value.next
          records += step.value.records
          break
        }
        problems++
        const line = json ? toJson({ file: path, problem: step.value }) : `${path}: ${step.value}`
        process.stdout.write(`${line}\n`)
      }
    }
    if (segments === 0) throw new UsageError(`no log segments in ${parsed.positionals.join(', ')}`)
    const summary = { partitions: partitions.size, segments, records, problems }
    process.stdout.write(
      json
        ? `${toJson(summary)}\n`
        : `${partitions.size} partitions, ${segments} segments, ${records} records: ${problems === 0 ? 'no problems' : `${problems} problems`}\n`,
    )
    return problems === 0 ? 0 : 1
  },
}

/** `millrace log …` */
export const log: Command = {
  name: 'log',
  summary: 'reads data directories: dump, verify',
  subcommands: [dump, verify],
}
