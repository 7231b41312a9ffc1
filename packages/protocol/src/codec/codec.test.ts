// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { ByteReader, ByteWriter, MalformedInputError } from '@millrace/base'
import fc from 'fast-check'
import * as protocol from '../index.ts'
import {
  type FieldSchema,
  inVersions,
  type MessageSchema,
  versionBounds,
  ZERO_UUID,
} from '../schemas/schema.ts'
import { codecOf, decodeMessage, encodeMessage } from './codec.ts'

interface Captured {
  readonly name: string
  readonly version: number
  readonly json: unknown
  readonly hex: string
}

/**
 * Bytes written by Apache Kafka 4.4.0; see interop/capture. 64-bit numbers are text, to preserve
 * all digits.
 */
function captured(): Captured[] {
  const path = new URL('../../testdata/kafka-4.4.0-messages.jsonl.gz', import.meta.url)
  return gunzipSync(readFileSync(path))
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) =>
      JSON.parse(line, (_key, value, context?: { readonly source: string }) =>
        typeof value === 'number' && !Number.isSafeInteger(value) && Number.isInteger(value)
          ? context?.source
          : value,
      ),
    )
}

const exported: readonly unknown[] = Object.values(protocol)
const schemas = new Map<string, MessageSchema>(
  exported
    .filter(
      (value): value is MessageSchema =>
        typeof value === 'object' && value !== null && 'fields' in value && 'versions' in value,
    )
    .map((schema) => [schema.name, schema]),
)

/** Compares a decoded message with Kafka's JSON, field by field. */
function assertSame(actual: unknown, expected: unknown, path: string): void {
  if (Array.isArray(expected)) {
    assert.ok(Array.isArray(actual), path)
    assert.equal(actual.length, expected.length, path)
    for (const [i, item] of expected.entries()) assertSame(actual[i], item, `${path}[${i}]`)
  } else if (typeof expected === 'object' && expected !== null) {
    for (const [key, value] of Object.entries(expected)) {
      assertSame((actual as Record<string, unknown>)[key], value, `${path}.${key}`)
    }
  } else if (actual instanceof Uint8Array) {
    assert.equal(Buffer.from(actual).toString('base64'), expected, path)
  } else if (typeof actual === 'bigint') assert.equal(actual, BigInt(expected as string), path)
  else assert.equal(actual, expected, path)
}

describe('messages captured from Apache Kafka', () => {
  const messages = captured()

  it('cover every schema in every version', () => {
    const seen = new Set(messages.map(({ name, version }) => `${name} ${version}`))
    for (const schema of schemas.values()) {
      const [first, last] = versionBounds(schema.versions)
      for (let version = first; version <= last; version++) {
        assert.ok(seen.has(`${schema.name} ${version}`), `${schema.name} ${version}`)
      }
    }
  })

  it('decode to the same fields and encode to the same bytes', () => {
    for (const { name, version, json, hex } of messages) {
      const schema = schemas.get(name)
      assert.ok(schema, name)
      const message = decodeMessage(schema, version, Buffer.from(hex, 'hex'))
      assertSame(message, json, `${name} v${version}`)
      assert.equal(
        encodeMessage(schema, version, message).toString('hex'),
        hex,
        `${name} v${version}`,
      )
    }
  })

  it('are rejected, not misread, when truncated', () => {
    for (const { name, version, hex } of messages) {
      const data = Buffer.from(hex, 'hex')
      const schema = schemas.get(name)
      assert.ok(schema)
      for (let size = 0; size < data.length; size += Math.max(1, Math.floor(data.length / 16))) {
        assert.throws(
          () => decodeMessage(schema, version, data.subarray(0, size)),
          MalformedInputError,
          `${name} v${version} truncated to ${size}`,
        )
      }
    }
  })
})

/** Values of a field, in the form that the decoder returns. */
function arbitraryField(field: FieldSchema, version: number): fc.Arbitrary<unknown> {
  const plain = ((): fc.Arbitrary<unknown> => {
    if (field.type === 'struct') return arbitraryStruct(field.fields ?? {}, version)
    if (field.type === '[]')
      return fc.array(arbitraryStruct(field.fields ?? {}, version), { maxLength: 3 })
    if (field.type.startsWith('[]'))
      return fc.array(arbitraryPrimitive(field.type.slice(2)), { maxLength: 3 })
    return arbitraryPrimitive(field.type)
  })()
  return inVersions(field.nullable, version) ? fc.option(plain) : plain
}

function arbitraryPrimitive(type: string): fc.Arbitrary<unknown> {
  const signed = (bits: number) => fc.integer({ min: -(2 ** (bits - 1)), max: 2 ** (bits - 1) - 1 })
  switch (type) {
    case 'int8':
      return signed(8)
    case 'int16':
      return signed(16)
    case 'int32':
      return signed(32)
    case 'uint16':
      return fc.integer({ min: 0, max: 65535 })
    case 'uint32':
      return fc.nat({ max: 0xffffffff })
    case 'int64':
      return fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
    case 'float64':
      return fc.double({ noNaN: true })
    case 'bool':
      return fc.boolean()
    case 'string':
      return fc.string({ unit: 'grapheme' })
    case 'uuid':
      return fc
        .uint8Array({ minLength: 16, maxLength: 16 })
        .map((id) => Buffer.from(id).toString('base64url'))
    default:
      return fc.uint8Array({ maxLength: 6000 }).map((data) => Buffer.from(data))
  }
}

function arbitraryStruct(
  fields: Readonly<Record<string, FieldSchema>>,
  version: number,
): fc.Arbitrary<object> {
  const present = Object.entries(fields).filter(([, field]) => inVersions(field.versions, version))
  return fc.record(
    Object.fromEntries(present.map(([name, field]) => [name, arbitraryField(field, version)])),
    { noNullPrototype: true },
  )
}

describe('any message', () => {
  it('is unchanged by encoding and decoding', () => {
    for (const schema of schemas.values()) {
      const [first, last] = versionBounds(schema.versions)
      fc.assert(
        fc.property(
          fc.integer({ min: first, max: last }).chain((version) =>
            fc.record({
              version: fc.constant(version),
              message: arbitraryStruct(schema.fields, version),
            }),
          ),
          ({ version, message }) => {
            const data = encodeMessage(schema, version, message)
            const decoded = decodeMessage(schema, version, data)
            assert.partialDeepStrictEqual(decoded, message)
            assert.ok(encodeMessage(schema, version, decoded).equals(data))
          },
        ),
        { numRuns: 5 },
      )
    }
  })

  it('throws only MalformedInputError when it is decoded from random bytes', () => {
    const all = [...schemas.values()]
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.nat({ max: all.length - 1 }),
        (bytes, i) => {
          const schema = all[i] as MessageSchema
          const [, last] = versionBounds(schema.versions)
          try {
            codecOf(schema, last).decode(new ByteReader(Buffer.from(bytes)))
          } catch (error) {
            assert.ok(error instanceof MalformedInputError, String(error))
          }
        },
      ),
      { numRuns: 1000 },
    )
  })
})

describe('encode', () => {
  it('rejects a request field that the version does not have', () => {
    const message = { key: 'a', keyType: 1, coordinatorKeys: ['b'] }
    assert.throws(() => encodeMessage(protocol.FindCoordinatorRequest, 3, message), {
      code: 'UNSUPPORTED_VERSION',
      message: /coordinatorKeys/,
    })
  })

  it('omits a response field that the version does not have', () => {
    const data = encodeMessage(protocol.ListOffsetsResponse, 3, {
      topics: [
        {
          name: 't',
          partitions: [{ partitionIndex: 0, errorCode: 0, offset: 5n, leaderEpoch: 7 }],
        },
      ],
    })
    const decoded = decodeMessage(protocol.ListOffsetsResponse, 3, data)
    assert.equal(decoded.topics[0]?.partitions[0]?.leaderEpoch, -1)
  })

  it('fills in defaults for missing fields', () => {
    const decoded = decodeMessage(
      protocol.MetadataRequest,
      12,
      encodeMessage(protocol.MetadataRequest, 12, { topics: [{ name: 'orders' }] }),
    )
    assert.equal(decoded.allowAutoTopicCreation, true)
    assert.equal(decoded.topics?.[0]?.topicId, ZERO_UUID)
  })

  it('passes on large byte strings without copying them', () => {
    const records = Buffer.alloc(100_000, 1)
    const writer = new ByteWriter()
    codecOf(protocol.ProduceRequest, 9).encode(writer, {
      acks: -1,
      timeoutMs: 1000,
      topicData: [{ name: 't', partitionData: [{ index: 0, records }] }],
    })
    assert.ok(writer.finish().includes(records))
  })
})

describe('a nullable struct in a tagged field', () => {
  // Values of `__consumer_offsets` written by Apache Kafka 4.4.0, without their version.
  const absent =
    '0000096d696c6c726163650b2f3132372e302e302e31020970726f6d6973657301000493e00001000100'

  it('is encoded as in Kafka', () => {
    const schema = protocol.ConsumerGroupMemberMetadataValue
    const decoded = decodeMessage(schema, 0, Buffer.from(absent, 'hex'))
    assert.equal(decoded.classicMemberMetadata, null)
    assert.equal(encodeMessage(schema, 0, decoded).toString('hex'), absent)
    const present = {
      ...decoded,
      classicMemberMetadata: { sessionTimeoutMs: 7, supportedProtocols: [] },
    }
    const data = encodeMessage(schema, 0, present)
    // Tag 0, seven bytes: a presence byte, then the timeout, no protocols, no tags.
    assert.match(data.toString('hex'), /01000701000000070100$/)
    assert.deepEqual(decodeMessage(schema, 0, data), present)
  })
})

describe('decode', () => {
  it('rejects a forged array length', () => {
    const data = Buffer.from('7fffffff', 'hex')
    assert.throws(
      () => decodeMessage(protocol.MetadataRequest, 3, data),
      /claims 2147483647 elements/,
    )
  })

  it('skips unknown tagged fields', () => {
    const data = encodeMessage(protocol.HeartbeatResponse, 4, { errorCode: 0 })
    const withTag = Buffer.concat([data.subarray(0, -1), Buffer.from([1, 99, 3, 1, 2, 3])])
    assert.equal(decodeMessage(protocol.HeartbeatResponse, 4, withTag).errorCode, 0)
  })

  it('rejects tags that are out of order', () => {
    const data = encodeMessage(protocol.HeartbeatResponse, 4, { errorCode: 0 })
    const withTags = Buffer.concat([data.subarray(0, -1), Buffer.from([2, 9, 0, 5, 0])])
    assert.throws(() => decodeMessage(protocol.HeartbeatResponse, 4, withTags), /tag 5 after 9/)
  })
})
