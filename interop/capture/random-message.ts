// SPDX-License-Identifier: Apache-2.0
import type { Random } from '@millrace/base'
import { type FieldSchema, inVersions, type MessageSchema } from '@millrace/protocol'

// Missing in TypeScript's library: raw text for JSON.
const rawJson = (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON

type Fields = Readonly<Record<string, FieldSchema>>

/** A message in the JSON form of Kafka's converters: bytes in base64, 64-bit numbers as numbers. */
export function randomMessage(
  schema: MessageSchema,
  version: number,
  random: Random,
): Record<string, unknown> {
  const { integer } = random

  function bigInteger(): unknown {
    const value = BigInt.asIntN(64, (BigInt(integer(2 ** 32)) << 32n) | BigInt(integer(2 ** 32)))
    return rawJson(String(integer(1000) / 1000 < 0.5 ? value : BigInt(integer(1000)) - 1n))
  }

  function primitive(type: string): unknown {
    switch (type) {
      case 'int8':
        return integer(256) - 128
      case 'int16':
        return integer(65536) - 32768
      case 'uint16':
        return integer(65536)
      case 'int32':
        return integer(1000) / 1000 < 0.5 ? integer(300) - 1 : integer(2 ** 32) - 2 ** 31
      case 'uint32':
        return integer(2 ** 32)
      case 'int64':
        return bigInteger()
      case 'float64':
        return rawJson((integer(1000) / 8).toFixed(3))
      case 'bool':
        return integer(1000) / 1000 < 0.5
      case 'string':
        return ['', 'a', 'orders-1', 'größe', '日本', 'x'.repeat(130)][integer(6)]
      case 'uuid':
        return Buffer.from(Array.from({ length: 16 }, () => integer(256))).toString('base64url')
      default:
        return Buffer.from(Array.from({ length: integer(20) }, () => integer(256))).toString(
          'base64',
        )
    }
  }

  function value(field: FieldSchema): unknown {
    if (inVersions(field.nullable, version) && integer(1000) / 1000 < 0.25) return null
    if (field.type === 'struct') return struct(field.fields ?? {})
    if (!field.type.startsWith('[]')) return primitive(field.type)
    const length = integer(4)
    return Array.from({ length }, () =>
      field.type === '[]' ? struct(field.fields ?? {}) : primitive(field.type.slice(2)),
    )
  }

  function struct(fields: Fields): Record<string, unknown> {
    const message: Record<string, unknown> = {}
    for (const [name, field] of Object.entries(fields)) {
      if (!inVersions(field.versions, version)) continue
      const isTagged = field.tag !== undefined && inVersions(field.tagged, version)
      if (isTagged && integer(1000) / 1000 < 0.5) continue
      message[name] = value(field)
    }
    return message
  }

  return struct(schema.fields)
}
