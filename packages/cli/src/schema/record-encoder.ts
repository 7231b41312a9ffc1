// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs'
import { MillraceError } from '@millrace/base'
import {
  avroSerde,
  jsonSchemaSerde,
  protobufSerde,
  resolveReferences,
  type SchemaInput,
  type SchemaRegistryClient,
  type SchemaSerde,
  type SchemaSerdeOptions,
  type SchemaType,
  valueFromJson,
} from '@millrace/schema-registry/serdes'
import type { ParsedOptions } from '../options.ts'
import { readSchemaFile, schemaTypeOfFile } from './schema-file.ts'
import type { RecordPart } from './schema-ids.ts'

/** Turns a JSON text into the bytes of a key or value. */
export type RecordEncoder = (json: Buffer) => Uint8Array

/** Which schema, and where its records go. */
export interface EncoderOptions {
  /** Subject, whose latest version is used, or a file, which is registered. */
  readonly schema: string
  /** Topic. */
  readonly topic: string
  /** Part of the record. */
  readonly part: RecordPart
  /** Options of the command. */
  readonly parsed: ParsedOptions
}

/** Registers or finds a schema; returns the function that encodes with it. */
export async function openEncoder(
  client: SchemaRegistryClient,
  { schema, topic, part, parsed }: EncoderOptions,
): Promise<RecordEncoder> {
  const isFile = schemaTypeOfFile(schema) !== undefined && existsSync(schema)
  const { input, options } = isFile
    ? fromFile(readSchemaFile(schema, parsed))
    : await fromSubject(client, schema)
  const { schemaType: type = 'AVRO', references = [] } = input
  const resolved = await resolveReferences(client, references)
  const fromJson = valueFromJson(type, { schema: input.schema, references, resolved })
  const serde = serdeOf(client, type, options)
  const headers = { get: () => undefined, set: () => {} }
  const context = { topic, part, headers }
  await serde.prepareSerialize(undefined, context)
  return (json) => {
    try {
      const bytes = serde.serialize(fromJson(json.toString('utf8')), context)
      return typeof bytes === 'string' ? Buffer.from(bytes) : bytes
    } catch (error) {
      const isInput = error instanceof TypeError || error instanceof SyntaxError
      if (!isInput && !(error instanceof RangeError) && !(error instanceof MillraceError))
        throw error
      throw new MillraceError('MILLRACE_INVALID_VALUE', `the ${part} ${error.message}`, {
        cause: error,
      })
    }
  }
}

interface Source {
  readonly input: SchemaInput
  readonly options: SchemaSerdeOptions & { readonly schema?: string }
}

/** The schema of a file is registered under the subject of the topic. */
function fromFile(input: SchemaInput): Source {
  const { schema, references = [] } = input
  return { input, options: { schema, references } }
}

async function fromSubject(client: SchemaRegistryClient, subject: string): Promise<Source> {
  const input = await client.version(subject)
  return { input, options: { useLatestVersion: true, subjectNameStrategy: () => subject } }
}

function serdeOf(
  client: SchemaRegistryClient,
  type: SchemaType,
  options: Source['options'],
): SchemaSerde<unknown> {
  switch (type) {
    case 'AVRO':
      return avroSerde(client, options) as SchemaSerde<unknown>
    case 'JSON':
      return jsonSchemaSerde(client, options) as SchemaSerde<unknown>
    case 'PROTOBUF':
      return protobufSerde(client, options) as SchemaSerde<unknown>
  }
}
