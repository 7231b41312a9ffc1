// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import { extname } from 'node:path'
import { systemErrorCode } from '@millrace/base'
import type { SchemaInput, SchemaReference, SchemaType } from '@millrace/schema-registry/serdes'
import type { Options, ParsedOptions } from '../options.ts'
import { UsageError } from '../usage-error.ts'

/** Formats by the end of a file's name. */
const types: Readonly<Record<string, SchemaType>> = {
  '.avsc': 'AVRO',
  '.json': 'JSON',
  '.proto': 'PROTOBUF',
}

/** Ends of the names of schema files, by format. */
export const extensions: Readonly<Record<SchemaType, string>> = {
  AVRO: '.avsc',
  JSON: '.json',
  PROTOBUF: '.proto',
}

/** Options of commands that send the schema in a file. */
export const schemaFileOptions = {
  type: {
    value: 'TYPE',
    short: 't',
    help: 'format: avro, json or protobuf (default by the name: .avsc, .json, .proto)',
  },
  reference: {
    value: 'NAME=SUBJECT:VERSION',
    multiple: true,
    help: 'a schema that this one uses: Avro full name, JSON $ref or import path, and where it is registered; may be repeated',
  },
  normalize: { help: 'compares and stores the normal form' },
} satisfies Options

/** Reads the schema in a file, `-` for stdin, with the options of `schemaFileOptions`. */
export function readSchemaFile(file: string, parsed: ParsedOptions): SchemaInput {
  const schemaType = typeOf(file, parsed.value('type'))
  const references = parsed.values('reference').map(referenceOf)
  let schema: string
  try {
    schema = readFileSync(file === '-' ? 0 : file, 'utf8')
  } catch (error) {
    throw new UsageError(`cannot read ${file}: ${systemErrorCode(error) ?? error}`)
  }
  if (schema.trim() === '') throw new UsageError(`${file} is empty`)
  return { schema, schemaType, references }
}

/** The format by the end of a file's name; undefined for another one. */
export function schemaTypeOfFile(file: string): SchemaType | undefined {
  return types[extname(file).toLowerCase()]
}

function typeOf(file: string, given: string | undefined): SchemaType {
  if (given !== undefined) return schemaType('--type', given)
  const type = schemaTypeOfFile(file)
  if (type !== undefined) return type
  throw new UsageError(`the format of ${file} is unknown: use --type avro, json or protobuf`)
}

/** A format in any case; throws `UsageError` for another text. */
export function schemaType(name: string, text: string): SchemaType {
  const upper = text.toUpperCase()
  if (upper === 'AVRO' || upper === 'JSON' || upper === 'PROTOBUF') return upper
  throw new UsageError(`invalid ${name} ${text}: expected avro, json or protobuf`)
}

/** Splits at the last colon and the first equals sign: subjects may contain both. */
function referenceOf(text: string): SchemaReference {
  const [, name, subject, version] = /^([^=]+)=(.+):(-?\d+|latest)$/s.exec(text) ?? []
  const number = version === 'latest' ? -1 : Number(version)
  const isVersion = number === -1 || (number >= 1 && number < 2 ** 31)
  if (name === undefined || subject === undefined || !isVersion) {
    throw new UsageError(`invalid --reference ${text}: expected NAME=SUBJECT:VERSION`)
  }
  return { name, subject, version: number }
}

/** A version of a subject as written on a command line: a number from 1, or `latest`. */
export function versionOf(name: string, text: string): number | 'latest' {
  if (text === 'latest') return text
  const number = Number(text)
  if (/^\d+$/.test(text) && number >= 1 && number < 2 ** 31) return number
  throw new UsageError(`invalid ${name} ${text}: expected a whole number from 1, or latest`)
}
