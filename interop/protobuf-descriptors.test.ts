// SPDX-License-Identifier: Apache-2.0
// Protobuf schemas: protoc and millrace understand the same texts and descriptors alike.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { before, describe, it } from 'node:test'
import { type ProtobufSchema, protobufFormat } from '@millrace/schema-registry'
import { peersDirectory } from './peers.ts'
import { groupTexts, type ProtoText, protoTexts } from './protobuf-texts.ts'

const python = join(peersDirectory, 'venv/bin/python')
const script = join(import.meta.dirname, 'python/protobuf_descriptors.py')

type Question = { readonly imports: Readonly<Record<string, string>> } & (
  | { readonly text: string }
  | { readonly descriptor: string }
)

interface Answer {
  readonly error?: string
  /** Base64 of the `FileDescriptorProto`. */
  readonly descriptor: string
  /** What protobuf understands, without options that it does not know. */
  readonly normal: unknown
  /** Bytes with all options, in the order of field numbers. */
  readonly exact: string
}

function askProtoc(questions: readonly Question[]): Promise<Answer[]> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      python,
      [script],
      { maxBuffer: 100_000_000 },
      (error, stdout, stderr) => {
        if (error === null)
          resolve(
            stdout
              .trim()
              .split('\n')
              .map((line): Answer => JSON.parse(line)),
          )
        else reject(new Error(`${error.message}\n${stderr}`))
      },
    )
    child.stdin?.end(questions.map((question) => `${JSON.stringify(question)}\n`).join(''))
  })
}

function parse(schema: string, imports: Readonly<Record<string, string>>): ProtobufSchema {
  const references = Object.keys(imports).map((name) => ({ name, subject: name, version: 1 }))
  const resolved = references.map((reference) => ({
    ...reference,
    schema: imports[reference.name] ?? '',
  }))
  return protobufFormat.parse({ schema, references, resolved })
}

/** What protoc makes of a text, of our descriptor, and of our texts. */
interface Case {
  readonly given: Answer
  readonly descriptor: Answer
  readonly canonical: Answer
  readonly normalized: Answer
  readonly fromDescriptor: Answer
}

async function readAll(texts: readonly ProtoText[]): Promise<ReadonlyMap<string, Case>> {
  const questions = texts.flatMap(({ text, imports = {} }): Question[] => {
    const schema = parse(text, imports)
    return [
      { imports, text },
      { imports, descriptor: schema.format('serialized') },
      { imports, text: schema.canonical },
      { imports, text: schema.normalized() },
    ]
  })
  const answers = await askProtoc(questions)
  const again = await askProtoc(
    texts.map(({ imports = {} }, index): Question => {
      const given = answers[index * 4]
      assert.ok(given)
      assert.equal(given.error, undefined)
      return { imports, text: parse(given.descriptor, imports).normalized() }
    }),
  )
  const cases = new Map<string, Case>()
  for (const [index, { name }] of texts.entries()) {
    const [given, descriptor, canonical, normalized] = answers.slice(index * 4)
    const fromDescriptor = again[index]
    assert.ok(given && descriptor && canonical && normalized && fromDescriptor)
    cases.set(name, { given, descriptor, canonical, normalized, fromDescriptor })
  }
  return cases
}

describe('Protobuf schemas and protoc', () => {
  let cases: ReadonlyMap<string, Case>
  before(async () => {
    cases = await readAll([...protoTexts, ...groupTexts])
  })

  it('read enough texts', () => assert.ok(protoTexts.length >= 40))

  for (const { name } of [...protoTexts, ...groupTexts]) {
    const hasGroups = groupTexts.some((text) => text.name === name)

    it(`${name}: protoc reads the printed text as the given one`, () => {
      const found = cases.get(name)
      assert.equal(found?.canonical.error, undefined)
      assert.deepEqual(found?.canonical.normal, found?.given.normal)
      // Groups are printed after the other fields.
      if (!hasGroups) assert.equal(found?.canonical.exact, found?.given.exact)
    })

    it(`${name}: protoc reads the normal form as the given text`, () => {
      const found = cases.get(name)
      assert.equal(found?.normalized.error, undefined)
      assert.deepEqual(found?.normalized.normal, found?.given.normal)
    })

    if (hasGroups) continue
    it(`${name}: the descriptor says the same as protoc's`, () => {
      const found = cases.get(name)
      assert.equal(found?.descriptor.error, undefined)
      assert.deepEqual(found?.descriptor.normal, found?.given.normal)
    })

    it(`${name}: protoc's descriptor is read as the text`, () => {
      const found = cases.get(name)
      assert.equal(found?.fromDescriptor.error, undefined)
      assert.deepEqual(found?.fromDescriptor.normal, found?.given.normal)
    })
  }

  it('Confluent prints the default of bytes without quotes, which protoc refuses', async () => {
    const schema = parse('package p; message M { optional bytes a = 1 [default = "abc"]; }', {})
    assert.match(schema.canonical, /\[default = abc\]/)
    const [answer] = await askProtoc([{ imports: {}, text: schema.canonical }])
    assert.match(answer?.error ?? '', /Expected string/)
  })

  it('Confluent sorts negative constants first, which protoc refuses in proto3', async () => {
    const schema = parse('syntax = "proto3"; enum E { A = 0; B = -1; }', {})
    const [printed, normal] = await askProtoc([
      { imports: {}, text: schema.canonical },
      { imports: {}, text: schema.normalized() },
    ])
    assert.equal(printed?.error, undefined)
    assert.match(normal?.error ?? '', /first enum value must be zero/)
  })
})
