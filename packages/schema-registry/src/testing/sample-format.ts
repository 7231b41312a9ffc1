// SPDX-License-Identifier: Apache-2.0
import {
  EffortExceededError,
  type Incompatibility,
  InvalidSchemaError,
  type ParsedSchema,
  type SchemaFormat,
  type SchemaSource,
  type SchemaType,
} from '../schema/schema.ts'

/**
 * A format for tests of the registry itself. A schema is a JSON object; its keys are fields, those
 * with the value `required` must be in the data. Texts are printed compactly.
 */
export function sampleFormat(type: SchemaType = 'AVRO'): SchemaFormat {
  return { type, parse: (source) => parse(type, source) }
}

type Fields = Readonly<Record<string, unknown>>

function parse(type: SchemaType, { schema, references, resolved }: SchemaSource): ParsedSchema {
  let fields: Fields
  try {
    fields = JSON.parse(schema) as Fields
  } catch (error) {
    throw new InvalidSchemaError(`not JSON: ${schema}`, error)
  }
  const parsed: ParsedSchema = {
    type,
    canonical: JSON.stringify(fields),
    references,
    name: undefined,
    normalized: () => JSON.stringify(fields, Object.keys(fields).sort()),
    problems: () => ('problem' in fields ? ['it has a problem'] : []),
    format: (format) => (format === 'resolved' ? JSON.stringify([fields, resolved]) : schema),
    incompatibilities(writer, options) {
      if (options?.effort === 0) throw new EffortExceededError()
      return missing(fields, JSON.parse(writer.canonical) as Fields)
    },
  }
  return parsed
}

function missing(reader: Fields, writer: Fields): Incompatibility[] {
  return Object.keys(reader)
    .filter((field) => reader[field] === 'required' && !(field in writer))
    .map((field) => ({
      errorType: 'FIELD_MISSING',
      path: `/${field}`,
      message: `{errorType:'FIELD_MISSING', path:'/${field}'}`,
      rule: 'a required field is in all data',
      remedy: `make ${field} optional`,
    }))
}
