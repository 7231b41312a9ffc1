// SPDX-License-Identifier: Apache-2.0
import { ByteReader } from '@millrace/base'
import type { RecordHeader } from '../mapping/to-record.ts'
import type { TopicSend } from '../state/commit.ts'

/** Size at which a block is full, in bytes. A larger message gets its own block. */
export const BLOCK_BYTES = 1024 * 1024
const FIRST_BYTES = 64 * 1024

/**
 * Messages of a transaction, packed into one buffer that does not retain the socket's buffers.
 */
export class RecordBlock {
  #bytes: Buffer = Buffer.alloc(0)
  #size = 0

  get size(): number {
    return this.#size
  }

  /** Allocated size, in bytes. */
  get capacity(): number {
    return this.#bytes.length
  }

  get isFull(): boolean {
    return this.#size >= BLOCK_BYTES
  }

  /** Adds a message. `destination` is the number assigned to its destination. */
  add(destination: number, { key, value, headers }: TopicSend['record']): void {
    this.#reserve(maxSizeOf({ key, value, headers }))
    this.#uint32(destination)
    this.#field(key)
    this.#field(value)
    this.#uint32(headers.length)
    for (const header of headers) {
      this.#field(header.key)
      this.#field(header.value)
    }
  }

  #reserve(count: number): void {
    const wanted = this.#size + count
    if (wanted <= this.#bytes.length) return
    const grown = Buffer.allocUnsafeSlow(Math.max(wanted, 2 * this.#bytes.length, FIRST_BYTES))
    this.#bytes.copy(grown, 0, 0, this.#size)
    this.#bytes = grown
  }

  #uint32(value: number): void {
    this.#size = this.#bytes.writeUInt32BE(value, this.#size)
  }

  #field(value: string | Uint8Array | null): void {
    if (value === null) {
      this.#uint32(0xffffffff)
      return
    }
    const start = this.#size + 4
    const length =
      typeof value === 'string' ? this.#bytes.write(value, start, 'utf8') : value.length
    if (typeof value !== 'string') this.#bytes.set(value, start)
    this.#bytes.writeUInt32BE(length, this.#size)
    this.#size = start + length
  }

  /** The packed messages. Nothing may be added while the buffer is in use. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#size)
  }

  clear(): void {
    this.#bytes = Buffer.alloc(0)
    this.#size = 0
  }
}

function maxSizeOf({ key, value, headers }: TopicSend['record']): number {
  let size = 16 + 3 * (key?.length ?? 0) + (value?.length ?? 0)
  for (const header of headers) {
    const isText = typeof header.value === 'string'
    size += 8 + 3 * header.key.length + (isText ? 3 : 1) * header.value.length
  }
  return size
}

/** Unpacks the messages of a block. They share its memory. */
export function recordsOf<T>(
  bytes: Buffer,
  destinationOf: (number: number) => T,
): { readonly destination: T; readonly record: TopicSend['record'] }[] {
  const reader = new ByteReader(bytes)
  const records = []
  while (reader.remaining > 0) {
    const destination = destinationOf(reader.uint32())
    const key = field(reader)?.toString('utf8') ?? null
    const value = field(reader)
    const headers: RecordHeader[] = []
    for (let count = reader.uint32(); count > 0; count--) {
      const name = field(reader)?.toString('utf8') ?? ''
      headers.push({ key: name, value: field(reader) ?? Buffer.alloc(0) })
    }
    records.push({ destination, record: { key, value, headers } })
  }
  return records
}

function field(reader: ByteReader): Buffer | null {
  const length = reader.uint32()
  return length === 0xffffffff ? null : reader.bytes(length)
}
