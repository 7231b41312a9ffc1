// SPDX-License-Identifier: Apache-2.0
import { type AmqpValue, decodeValue, textOf } from '@millrace/amqp'
import { ByteReader } from '@millrace/base'
import { selectorValue } from '../mapping/stored-message.ts'
import type { Selectable, SelectorValue } from '../selector/selector.ts'
import { CHUNK } from './partition-index.ts'

/** Bytes of properties that are kept over all queues; selectors read the rest from the logs. */
const BUDGET_BYTES = 64 * 1024 * 1024
let used = 0

/** The encoded properties of a run of messages, one after the other. */
interface PropertyChunk {
  bytes: Buffer
  size: number
  /** Where the properties of each message start and end; both 0 for one that is not here. */
  readonly starts: Uint32Array
  readonly ends: Uint32Array
}

/** The application properties of waiting messages, so that a selector finds one behind a million others without reading the log. */
export class PropertyCache {
  readonly #partitions = new Map<number, Map<number, PropertyChunk>>()

  /** Keeps the application properties section of a message, unless the budget is used up. */
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
    // One byte in front, so that an empty place and one at 0 can be told apart.
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

  /** The properties of a message for a selector that looks at nothing else; undefined when they are not here. */
  find(partition: number, offset: number): Selectable | undefined {
    const chunk = this.#partitions.get(partition)?.get(Math.floor(offset / CHUNK))
    const start = chunk?.starts[offset % CHUNK] ?? 0
    if (chunk === undefined || start === 0) return undefined
    return new CachedProperties(chunk.bytes.subarray(start, chunk.ends[offset % CHUNK]))
  }

  /** Forgets what lies below an offset. */
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
    // The descriptor, 00 53 74, was looked at when the section was cut out.
    reader.skip(3)
    const map = decodeValue(reader)
    if (map instanceof Map) for (const [key, value] of map) values.set(textOf(key) ?? '', value)
    return values
  }
}
