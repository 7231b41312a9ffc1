// SPDX-License-Identifier: Apache-2.0
import type { RegisteredSchema } from '../client/schema-registry-client.ts'
import type { ResolvedReference, SchemaFormat } from '../schema/schema.ts'

/** A registered schema with the texts of all schemas that it reaches. */
export interface LoadedSchema {
  /** The schema. */
  readonly registered: RegisteredSchema
  /** References, a schema after those that it uses. */
  readonly resolved: readonly ResolvedReference[]
}

/** Writes payloads of one schema. */
export interface PayloadWriter<T> {
  /** Bytes between the schema's id and the payload; empty except for Protobuf. */
  readonly indexes: Buffer
  /** A new buffer with `prefix`, then the value. Throws if the value does not fit. */
  write(value: T, prefix: Buffer): Buffer
}

/** Reads payloads of one schema. */
export interface PayloadReader<T> {
  /**
   * Reads a value. `id` has the schema's id, and what follows it at `idEnd`: it is `payload`
   * itself, or a header of the record. Throws if the bytes do not fit.
   */
  read(payload: Buffer, id: Buffer, idEnd: number): T
}

/** A format of payloads, for values of one type. */
export interface SerdeFormat<T> {
  /** Parses and compares schemas of the format. */
  readonly schemas: SchemaFormat
  /** Text of the schema for values that are written; undefined to take the registry's. */
  readonly schema: string | undefined
  /** Full name of the schema's record or message; undefined if it has none. */
  nameOf(schema: LoadedSchema): string | undefined
  /** Writes values with a schema: the serde's own or the registry's latest. */
  writer(schema: LoadedSchema): PayloadWriter<T> | Promise<PayloadWriter<T>>
  /**
   * Reads values that were written with a schema, as values of the serde's own schema; `resolved`
   * are the schemas that this one uses.
   */
  reader(
    schema: LoadedSchema,
    resolved: readonly ResolvedReference[],
  ): PayloadReader<T> | Promise<PayloadReader<T>>
}

const NOTHING = Buffer.alloc(0)

/** `indexes` of formats without them. */
export const noIndexes: Buffer = NOTHING

/** Where a payload begins, for formats without indexes. */
export function payloadStart(payload: Buffer, id: Buffer, idEnd: number): number {
  return payload === id ? idEnd : 0
}
