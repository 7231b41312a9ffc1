// SPDX-License-Identifier: Apache-2.0
import { type AmqpValue, decodeValue, textOf } from '@millrace/amqp'
import { ByteReader } from '@millrace/base'
import { selectorValue } from '../mapping/stored-message.ts'
import type { Selectable, SelectorValue } from '../selector/selector.ts'
import { CHUNK } from './partition-index.ts'

/**
 * Memory budget for properties of all queues, in bytes. Selectors read other messages from the
 * logs.
 */
const BUDGET_BYTES = 64 * 1024 * 1024
let used = 0

/** Encoded properties of a run of messages, concatenated. */
interface PropertyChunk {
  bytes: Buffer
  size: number
  /** Start and end of each message's properties; both 0 if they are not cached. */
  readonly starts: Uint32Array
  readonly ends: Uint32Array
}

/**
 * Application properties of waiting messages, so that a selector finds one behind a million others
 * without reading the log.
 */
export class PropertyCache {
  readonly #partitions = new Map<number, Map<number, PropertyChunk>>()

  /** Caches the application properties section of a message unless the budget is used up. */
  add(partition: number, offset: number, section: Buffer): void {
    if (used + section.length > BUDGET_BYTES) return
    let chunks = this.#partitions.get(partition)
    if (chunks === undefined) {
      chunks = new Map()
      this.#partitions.set(partition, chunks)
    }
    const number = Math.floor(offset / CHUNK)
    let chunk = chunks.get(number)
    if (chunk === undefined) {
      chunk = {
        bytes: Buffer.allocUnsafeSlow(1024),
        size: 0,
        starts: new Uint32Array(CHUNK),
        ends: new Uint32Array(CHUNK),
      }
      chunks.set(number, chunk)
      used += chunk.bytes.length + 8 * CHUNK
    }
    // Leave the first byte unused, so that a start of 0 means not cached.
    const start = chunk.size + 1
    const end = start + section.length
    if (end > chunk.bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(chunk.bytes.length * 2, end))
      chunk.bytes.copy(grown, 0, 0, chunk.size)
      used += grown.length - chunk.bytes.length
      chunk.bytes = grown
    }
    chunk.bytes.set(section, start)
    chunk.size = end
    chunk.starts[offset % CHUNK] = start
    chunk.ends[offset % CHUNK] = end
  }

  /**
   * Returns the properties of a message, for selectors that use only properties; undefined if they
   * are not cached.
   */
  find(partition: number, offset: number): Selectable | undefined {
    const chunk = this.#partitions.get(partition)?.get(Math.floor(offset / CHUNK))
    const start = chunk?.starts[offset % CHUNK] ?? 0
    if (chunk === undefined || start === 0) return undefined
    return new CachedProperties(chunk.bytes.subarray(start, chunk.ends[offset % CHUNK]))
  }

  /** Drops entries below an offset, in whole chunks. */
  forget(partition: number, floor: number): void {
    const chunks = this.#partitions.get(partition)
    if (chunks === undefined) return
    for (const [number, chunk] of chunks) {
      if ((number + 1) * CHUNK > floor) return
      chunks.delete(number)
      used -= chunk.bytes.length + 8 * CHUNK
    }
  }

  clear(): void {
    for (const partition of this.#partitions.keys())
      this.forget(partition, Number.POSITIVE_INFINITY)
  }
}

class CachedProperties implements Selectable {
  readonly #section: Buffer
  #values: Map<string, AmqpValue> | undefined

  constructor(section: Buffer) {
    this.#section = section
  }

  valueOf(name: string): SelectorValue {
    this.#values ??= this.#decode()
    return selectorValue(this.#values.get(name))
  }

  #decode(): Map<string, AmqpValue> {
    const values = new Map<string, AmqpValue>()
    if (this.#section.length === 0) return values
    const reader = new ByteReader(this.#section)
    // The descriptor, 00 53 74, was checked when the section was extracted.
    reader.skip(3)
    const map = decodeValue(reader)
    if (map instanceof Map) for (const [key, value] of map) values.set(textOf(key) ?? '', value)
    return values
  }
}
