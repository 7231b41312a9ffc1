// SPDX-License-Identifier: Apache-2.0
import type { BuilderHeader } from '@millrace/protocol'
import { type HeadersInput, headerList } from '../producer/producer-record.ts'
import type { SerializerHeaders } from './serde.ts'

/** Headers of a record to be sent; those given are copied on the first change. */
export class MutableHeaders implements SerializerHeaders {
  #list: readonly BuilderHeader[]

  /** Creates the headers. Throws `MILLRACE_INVALID_RECORD` if `given` has another form. */
  constructor(given?: HeadersInput) {
    this.#list = headerList(given)
  }

  /** Value of the last header of that name; undefined if there is none. */
  get(name: string): Buffer | null | undefined {
    const value = this.#list.findLast(({ key }) => key === name)?.value
    if (value === undefined || value === null) return value
    return typeof value === 'string'
      ? Buffer.from(value)
      : Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  }

  /** Replaces all headers of that name by one at the end. */
  set(name: string, value: Uint8Array | string | null): void {
    this.#list = [...this.#list.filter(({ key }) => key !== name), { key: name, value }]
  }

  /** All headers, in their order. */
  list(): readonly BuilderHeader[] {
    return this.#list
  }
}
