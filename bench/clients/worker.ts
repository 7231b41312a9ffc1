// SPDX-License-Identifier: Apache-2.0
// Measures one client with one task in a separate process; prints one line of JSON.
import { readFileSync } from 'node:fs'
import { type Counter, rivals } from './rivals.ts'

const [, , clientName = '', task = '', address = '', topic = '', countText = '', sizeText = ''] =
  process.argv
const count = Number(countText)
const size = Number(sizeText)

function peakMb(): number {
  const status = readFileSync('/proc/self/status', 'utf8')
  return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024
}

function counting(): Counter & { rate(): number } {
  let seen = 0
  let bytes = 0
  let began = 0
  let ended = 0
  const { promise, resolve } = Promise.withResolvers<void>()
  return {
    add(valueBytes) {
      if (seen === 0) began = performance.now()
      seen++
      bytes += valueBytes
      if (seen !== count) return seen > count
      ended = performance.now()
      resolve()
      return true
    },
    done: promise,
    rate() {
      if (bytes < count * size) throw new Error(`read ${bytes} bytes, not ${count * size}`)
      return (count / (ended - began)) * 1000
    },
  }
}

const importBegan = performance.now()
const rival = await (rivals[clientName] as (typeof rivals)[string])()
const importMs = performance.now() - importBegan

async function measure(): Promise<Record<string, number>> {
  if (task === 'import') return { importMs }
  if (task === 'consume-batch' || task === 'consume-each') {
    const counter = counting()
    if (task === 'consume-batch') await rival.consumeBatches(address, topic, counter)
    else await rival.consumeEach(address, topic, counter)
    return { rate: counter.rate() }
  }
  const producer = await rival.producer(address)
  const value = Buffer.alloc(size, 'x')
  const hundred = Array.from({ length: 100 }, () => value)
  const one = (): Promise<unknown> => producer.sendOne(topic, value)
  const batch = (): Promise<unknown> => producer.sendBatch(topic, hundred)
  for (let i = 0; i < 100; i++) await batch()
  const result = await timed({ one, batch })
  await producer.close()
  return result
}

async function timed(send: {
  readonly one: () => Promise<unknown>
  readonly batch: () => Promise<unknown>
}): Promise<Record<string, number>> {
  const began = performance.now()
  const rate = (): Record<string, number> => ({
    rate: (count / (performance.now() - began)) * 1000,
  })
  switch (task) {
    case 'produce-awaited-100':
      for (let sent = 0; sent < count; sent += 100) await send.batch()
      return rate()
    case 'produce-10x100': {
      let left = count / 100
      const lane = async (): Promise<void> => {
        while (left-- > 0) await send.batch()
      }
      await Promise.all(Array.from({ length: 10 }, lane))
      return rate()
    }
    case 'produce-100-singles': {
      let left = count
      const lane = async (): Promise<void> => {
        while (left-- > 0) await send.one()
      }
      await Promise.all(Array.from({ length: 100 }, lane))
      return rate()
    }
    case 'produce-awaited-1': {
      for (let i = 0; i < 2000; i++) await send.one()
      const times: number[] = []
      for (let i = 0; i < count; i++) {
        const at = performance.now()
        await send.one()
        times.push(performance.now() - at)
      }
      times.sort((a, b) => a - b)
      const at = (share: number): number => times[Math.floor(times.length * share)] ?? Number.NaN
      return { p50: at(0.5), p99: at(0.99) }
    }
    default:
      throw new Error(`unknown task ${task}`)
  }
}

const result = await measure()
process.stdout.write(`${JSON.stringify({ ...result, peakMb: peakMb() })}\n`)
process.exit(0)
