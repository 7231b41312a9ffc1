// SPDX-License-Identifier: Apache-2.0
import { Consumer, Producer } from '@millrace/client'
import { clientOptions, connectionOptions } from '../client/connection.ts'
import { toJson } from '../client/output.ts'
import { amount } from '../client/progress.ts'
import type { Command } from '../command.ts'
import type { ParsedOptions } from '../options.ts'

const common = {
  ...connectionOptions,
  records: { value: 'N', short: 'n', help: 'number of records (default 1000000; latency 10000)' },
}

interface Result {
  readonly records: number
  readonly seconds: number
  readonly recordsPerSecond: number
  readonly bytesPerSecond: number
  readonly p50Ms?: number
  readonly p99Ms?: number
  readonly maxMs?: number
}

function show(parsed: ParsedOptions, result: Result): number {
  if (parsed.has('json')) {
    process.stdout.write(`${toJson(result)}\n`)
    return 0
  }
  const { records, seconds, recordsPerSecond, bytesPerSecond, p50Ms, p99Ms, maxMs } = result
  const rate = `${records} records in ${seconds.toFixed(2)} s: ${Math.round(recordsPerSecond)} records/s, ${amount(bytesPerSecond)}/s`
  const times =
    p50Ms === undefined
      ? ''
      : `; p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms?.toFixed(2)} ms, max ${maxMs?.toFixed(2)} ms`
  process.stdout.write(`${rate}${times}\n`)
  return 0
}

function percentiles(times: number[]): {
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
} {
  times.sort((a, b) => a - b)
  const at = (share: number): number =>
    times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0
  return { p50Ms: at(0.5), p99Ms: at(0.99), maxMs: times.at(-1) ?? 0 }
}

const produce: Command = {
  name: 'produce',
  summary: 'measures the throughput of a producer',
  positionals: ['TOPIC'],
  options: {
    ...common,
    size: { value: 'BYTES', short: 's', help: 'size of each value (default 100)' },
    rate: { value: 'N', help: 'records per second (default: unlimited)' },
    acks: { value: 'ACKS', help: 'all, 1 or 0 (default all)' },
    compression: {
      value: 'CODEC',
      short: 'z',
      help: 'none, gzip, snappy, lz4, zstd (default none)',
    },
  },
  async run(parsed) {
    const [topic] = parsed.positionals as [string]
    const count = parsed.number('records', { min: 1 }) ?? 1_000_000
    const size = parsed.number('size') ?? 100
    const rate = parsed.number('rate', { min: 1 }) ?? Number.POSITIVE_INFINITY
    const acks = parsed.value('acks')
    const options = clientOptions('producer', parsed)
    await using producer = new Producer({
      lingerMs: 1,
      ...options,
      ...(acks === undefined ? {} : { acks: acks === 'all' ? 'all' : (Number(acks) as 0 | 1) }),
      ...(parsed.has('compression')
        ? { compression: parsed.value('compression') as NonNullable<typeof options.compression> }
        : {}),
    })
    await producer.partitionsFor(topic)
    const value = Buffer.alloc(size, 'millrace ')
    const times: number[] = []
    const group = Math.min(100, count)
    const began = performance.now()
    let failure: Error | undefined
    for (let sent = 0; sent < count && failure === undefined; sent += group) {
      const at = performance.now()
      const records = Array.from({ length: Math.min(group, count - sent) }, () => ({
        topic,
        value,
      }))
      producer.send(records).then(
        () => times.push(performance.now() - at),
        (error: Error) => {
          failure = error
        },
      )
      await producer.ready()
      const due = began + ((sent + group) / rate) * 1000
      const early = due - performance.now()
      if (early > 1) await new Promise((resolve) => setTimeout(resolve, early))
    }
    await producer.flush()
    if (failure !== undefined) throw failure
    const seconds = (performance.now() - began) / 1000
    return show(parsed, {
      records: count,
      seconds,
      recordsPerSecond: count / seconds,
      bytesPerSecond: (count * size) / seconds,
      ...percentiles(times),
    })
  },
}

const consume: Command = {
  name: 'consume',
  summary: 'measures the throughput of a consumer that reads a topic from its beginning',
  positionals: ['TOPIC'],
  options: common,
  async run(parsed) {
    const [topic] = parsed.positionals as [string]
    const consumer = new Consumer({
      ...clientOptions('consumer', parsed),
      autoOffsetReset: 'earliest',
      maxPollRecords: 100_000,
    })
    try {
      const places = (await consumer.partitionsFor(topic)).map(({ partition }) => ({
        topic,
        partition,
      }))
      const [begins, ends] = await Promise.all([
        consumer.beginningOffsets(places),
        consumer.endOffsets(places),
      ])
      const there = ends.reduce((sum, end, i) => sum + Number(end - (begins[i] ?? 0n)), 0)
      const wanted = Math.min(parsed.number('records', { min: 1 }) ?? there, there)
      consumer.assign(places)
      let records = 0
      let bytes = 0
      let began = 0
      while (records < wanted) {
        const batch = await consumer.poll(1000)
        if (began === 0 && batch.length > 0) began = performance.now()
        records += batch.length
        for (const record of batch) bytes += record.valueBytes?.length ?? 0
      }
      const seconds = Math.max(0.001, (performance.now() - began) / 1000)
      return show(parsed, {
        records,
        seconds,
        recordsPerSecond: records / seconds,
        bytesPerSecond: bytes / seconds,
      })
    } finally {
      await consumer.close()
    }
  },
}

const latency: Command = {
  name: 'latency',
  summary: 'measures the time from send to the record in a consumer, one record at a time',
  positionals: ['TOPIC'],
  options: {
    ...common,
    size: { value: 'BYTES', short: 's', help: 'size of each value (default 100)' },
  },
  async run(parsed) {
    const [topic] = parsed.positionals as [string]
    const count = parsed.number('records', { min: 1 }) ?? 10_000
    const value = Buffer.alloc(parsed.number('size') ?? 100)
    await using producer = new Producer({ ...clientOptions('producer', parsed), lingerMs: 0 })
    const partition = (await producer.partitionsFor(topic))[0]?.partition ?? 0
    const consumer = new Consumer({
      ...clientOptions('consumer', parsed),
      autoOffsetReset: 'latest',
    })
    try {
      consumer.assign([{ topic, partition }])
      await consumer.position({ topic, partition })
      await consumer.poll(0)
      const times: number[] = []
      const began = performance.now()
      for (let i = 0; i < count; i++) {
        const at = performance.now()
        const sending = producer.send({ topic, partition, value })
        while ((await consumer.poll(1000)).length === 0) await sending
        times.push(performance.now() - at)
        await sending
      }
      const seconds = (performance.now() - began) / 1000
      return show(parsed, {
        records: count,
        seconds,
        recordsPerSecond: count / seconds,
        bytesPerSecond: (count * value.length) / seconds,
        ...percentiles(times),
      })
    } finally {
      await consumer.close()
    }
  },
}

/** `millrace bench …` */
export const bench: Command = {
  name: 'bench',
  summary: 'measures a cluster: produce, consume, latency',
  subcommands: [produce, consume, latency],
}
