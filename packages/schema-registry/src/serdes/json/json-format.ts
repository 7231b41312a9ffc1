// SPDX-License-Identifier: Apache-2.0
import { jsonSchemaFormat } from '../../json-schema/json-schema.ts'
import { createJsonValidator } from '../../json-schema/validator.ts'
import type { ParsedSchema } from '../../schema/schema.ts'
import {
  type LoadedSchema,
  noIndexes,
  type PayloadReader,
  type PayloadWriter,
  payloadStart,
  type SerdeFormat,
} from '../serde-format.ts'

type Check = (value: unknown) => void

/** Problems of one value that an error names. */
const MAX_SHOWN = 5

/**
 * JSON text, checked against its schema. `isChecked` false leaves the checks to others. Without a
 * schema, values are checked against the schema that they were written with.
 */
export function jsonPayloads<T>(schema: string | undefined, isChecked: boolean): SerdeFormat<T> {
  const checkOf = async (parsed: () => ParsedSchema): Promise<Check> =>
    isChecked ? checkAgainst(parsed()) : () => {}
  return {
    schemas: jsonSchemaFormat,
    schema,
    nameOf: (loaded) => parsedOf(loaded).name,
    async writer(loaded): Promise<PayloadWriter<T>> {
      const check = await checkOf(() => parsedOf(loaded))
      return {
        indexes: noIndexes,
        write(value, prefix) {
          check(value)
          return textAfter(prefix, value)
        },
      }
    },
    async reader(loaded, resolved): Promise<PayloadReader<T>> {
      const own =
        schema === undefined
          ? () => parsedOf(loaded)
          : () => jsonSchemaFormat.parse({ schema, references: [], resolved })
      const check = await checkOf(own)
      return {
        read(payload, id, idEnd) {
          const start = payloadStart(payload, id, idEnd)
          const value: unknown = JSON.parse(payload.toString('utf8', start))
          check(value)
          return value as T
        },
      }
    },
  }
}

function parsedOf({ registered, resolved }: LoadedSchema): ParsedSchema {
  return jsonSchemaFormat.parse({ ...registered, resolved })
}

async function checkAgainst(schema: ParsedSchema): Promise<Check> {
  const validator = await createJsonValidator(schema)
  return (value) => {
    const problems = validator.problems(value)
    if (problems.length === 0) return
    const shown = problems
      .slice(0, MAX_SHOWN)
      .map(({ path, message }) => `${path === '' ? 'the value' : path} ${message}`)
    throw new TypeError(shown.join('; '))
  }
}

function textAfter(prefix: Buffer, value: unknown): Buffer {
  const text = JSON.stringify(value)
  if (text === undefined) throw new TypeError(`a ${typeof value} has no JSON form`)
  const size = Buffer.byteLength(text)
  const bytes = Buffer.allocUnsafe(prefix.length + size)
  prefix.copy(bytes)
  bytes.write(text, prefix.length)
  return bytes
}
