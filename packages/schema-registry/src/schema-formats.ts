// SPDX-License-Identifier: Apache-2.0
import { avroFormat } from './avro/format.ts'
import { jsonSchemaFormat } from './json-schema/json-schema.ts'
import { protobufFormat } from './protobuf/protobuf-schema.ts'
import type { SchemaFormat, SchemaType } from './schema/schema.ts'

/** The formats by their types, in the order of `GET /schemas/types`. */
export const schemaFormats: Readonly<Record<SchemaType, SchemaFormat>> = {
  JSON: jsonSchemaFormat,
  PROTOBUF: protobufFormat,
  AVRO: avroFormat,
}
