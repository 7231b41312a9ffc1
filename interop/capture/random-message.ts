// SPDX-License-Identifier: Apache-2.0
import { type FieldSchema, inVersions, type MessageSchema } from '@millrace/protocol'

/** A small seeded generator (mulberry32), so that a capture can be made again. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

// Not in TypeScript's library yet: text that goes into JSON as it is.
const rawJson = (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON

type Fields = Readonly<Record<string, FieldSchema>>

/** A message in the JSON form of Kafka's own converters: bytes in base64, 64-bit numbers as numbers. */
export function randomMessage(
  schema: MessageSchema,
  version: number,
  random: () => number,
): Record<string, unknown> {
  const integer = (limit: number): number => Math.floor(random() * limit)

  function bigInteger(): unknown {
    const value = BigInt.asIntN(64, (BigInt(integer(2 ** 32)) << 32n) | BigInt(integer(2 ** 32)))
    return rawJson(String(random() < 0.5 ? value : BigInt(integer(1000)) - 1n))
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
        return random() < 0.5 ? integer(300) - 1 : integer(2 ** 32) - 2 ** 31
      case 'uint32':
        return integer(2 ** 32)
      case 'int64':
        return bigInteger()
      case 'float64':
        return rawJson((integer(1000) / 8).toFixed(3))
      case 'bool':
        return random() < 0.5
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
    if (inVersions(field.nullable, version) && random() < 0.25) return null
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
      if (isTagged && random() < 0.5) continue
      message[name] = value(field)
    }
    return message
  }

  return struct(schema.fields)
}
