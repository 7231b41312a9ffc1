// SPDX-License-Identifier: Apache-2.0
import type { BuilderHeader, RecordBytes } from '@millrace/protocol'
import { MutableHeaders } from '../serde/mutable-headers.ts'
import { type Serializer, type SerializerContext, serdeFailure } from '../serde/serde.ts'
import { type HeadersInput, headerList } from './producer-record.ts'

const NO_HEADERS: readonly BuilderHeader[] = []

/** Serializers of the records of one topic. */
export interface Serializers {
  readonly key: Serializer<unknown>
  readonly value: Serializer<unknown>
}

/** Whether records must be prepared before they are serialized. */
export function mustPrepare({ key, value }: Serializers): boolean {
  return key.prepareSerialize !== undefined || value.prepareSerialize !== undefined
}

interface Parts {
  readonly key?: unknown
  readonly value: unknown
}

/** What the serializers see of one record after another. */
export class RecordSerialization {
  readonly topic: string
  readonly #serializers: Serializers
  readonly #key: PartContext
  readonly #value: PartContext
  #given: HeadersInput | undefined
  #headers: MutableHeaders | undefined

  constructor(topic: string, serializers: Serializers) {
    this.topic = topic
    this.#serializers = serializers
    this.#key = new PartContext(this, 'key')
    this.#value = new PartContext(this, 'value')
  }

  isFor(topic: string, serializers: Serializers): boolean {
    return this.topic === topic && this.#serializers === serializers
  }

  /** Continues with a record that has these headers. */
  begin(given: HeadersInput | undefined): void {
    this.#given = given
    this.#headers = undefined
  }

  get headers(): MutableHeaders {
    this.#headers ??= new MutableHeaders(this.#given)
    return this.#headers
  }

  /** Headers given, and those of the serializers. */
  list(): readonly BuilderHeader[] {
    if (this.#headers !== undefined) return this.#headers.list()
    return this.#given === undefined ? NO_HEADERS : headerList(this.#given)
  }

  /** Undefined if the record is prepared; rejects with a `SerdeError`. */
  prepare({ key, value }: Parts): Promise<void> | undefined {
    const ofKey = prepare(this.#serializers.key, key, this.#key)
    const ofValue = prepare(this.#serializers.value, value, this.#value)
    if (ofKey === undefined || ofValue === undefined) return ofKey ?? ofValue
    return Promise.all([ofKey, ofValue]).then(() => undefined)
  }

  key(key: unknown): RecordBytes {
    return serialize(this.#serializers.key, key, this.#key)
  }

  value(value: unknown): RecordBytes {
    return serialize(this.#serializers.value, value, this.#value)
  }
}

class PartContext implements SerializerContext {
  readonly #record: RecordSerialization
  readonly topic: string
  readonly part: 'key' | 'value'

  constructor(record: RecordSerialization, part: 'key' | 'value') {
    this.#record = record
    this.topic = record.topic
    this.part = part
  }

  get headers(): MutableHeaders {
    return this.#record.headers
  }
}

function serialize(
  serializer: Serializer<unknown>,
  value: unknown,
  context: PartContext,
): RecordBytes {
  if (value === null || value === undefined) return null
  try {
    return serializer.serialize(value, context)
  } catch (error) {
    throw serdeFailure('serialize', context, error)
  }
}

function prepare(
  serializer: Serializer<unknown>,
  value: unknown,
  context: PartContext,
): Promise<void> | undefined {
  if (value === null || value === undefined) return undefined
  const fail = (error: unknown): never => {
    throw serdeFailure('serialize', context, error)
  }
  try {
    return serializer.prepareSerialize?.(value, context)?.catch(fail)
  } catch (error) {
    return Promise.reject(serdeFailure('serialize', context, error))
  }
}
