// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { InvalidSchemaError, type ParsedSchema } from '../schema/schema.ts'
import { type ProtobufSchema, protobufFormat } from './protobuf-schema.ts'

const head = 'syntax = "proto3";\npackage p;\n'

function parse(schema: string, imports: Readonly<Record<string, string>> = {}): ProtobufSchema {
  const references = Object.keys(imports).map((name) => ({ name, subject: name, version: 1 }))
  const resolved = references.map((reference) => ({
    ...reference,
    schema: imports[reference.name] ?? '',
  }))
  return protobufFormat.parse({ schema, references, resolved })
}

/** Text, and what the message of the error contains. */
const invalid: readonly (readonly [text: string, message: string])[] = [
  ['hello', 'line 1, column 1: unexpected hello'],
  ['syntax = "proto4";', 'line 1, column 10: syntax must be "proto2" or "proto3", not "proto4"'],
  ['package p; syntax = "proto3";', 'column 12: syntax must be the first declaration'],
  ['edition = "2023";', 'editions are not supported'],
  ['import x "a";', 'line 1, column 8: expected a quoted path but found x'],
  ['message M { int32 a = 1; }', "column 13: expected 'required', 'optional' or 'repeated'"],
  [`${head}message M { required int32 a = 1; }`, "line 3, column 13: 'required' is not allowed"],
  [`${head}message M {\n  int32 a = 1\n}`, "line 5, column 1: expected ';' but found '}'"],
  [`${head}message M {`, 'line 3, column 12: unexpected end of file'],
  [`${head}message M { int32 a = x; }`, 'expected a 32-bit integer but found x'],
  [`${head}message M { int32 a = 2147483648; }`, 'expected a 32-bit integer but found 2147483648'],
  [`${head}message M { int32 a = ${'9'.repeat(500_000)}; }`, 'expected a 32-bit integer'],
  [`${head}message M { int32 1a = 1; }`, 'names of fields and constants cannot start with a digit'],
  [`${head}message M {}\nmessage M {}`, 'line 4, column 1: M is already declared in line 3'],
  [`${head}message M { map<double, int32> a = 1; }`, 'keys of a map must be'],
  [`${head}message M { map<string, map<string, int32>> a = 1; }`, 'a map cannot contain a map'],
  [`${head}message M { repeated map<string, int32> a = 1; }`, 'a map field cannot have a label'],
  [`${head}message M { Nope a = 1; }`, 'line 3, column 13: the type Nope is not declared'],
  [`${head}message M { map<string, Nope> a = 1; }`, 'the type Nope is not declared'],
  [`${head}message M { oneof o { Nope a = 1; } }`, 'line 3, column 23: the type Nope'],
  [`${head}service S {\n  rpc A (Nope) returns (Nope);\n}`, 'line 4, column 3: the type Nope'],
  [`${head}extend Nope { string a = 1; }`, 'line 3, column 1: the type Nope is not declared'],
  [`${head}message M { string a = 1 [json_name = "a]; }`, 'unterminated string'],
  [`${head}/* x`, 'unterminated comment'],
  [`${head}message M { int32 a = 1 [x = {a: 1}, json_name = {}]; }`, 'the value of json_name'],
  ['AAAA', 'neither a .proto text nor base64 of a FileDescriptorProto'],
  [`//${' '.repeat(1_000_000)}`, 'the schema has 1000002 characters; at most 1000000'],
  [`${'message M {'.repeat(10_000)}`, 'messages are nested deeper than 100 levels'],
  [`option (a) = ${'{a:'.repeat(10_000)}`, 'options are nested deeper than 100 levels'],
  [`option (a) = ${'['.repeat(10_000)}`, 'options are nested deeper than 100 levels'],
  [`option (a)${'.a'.repeat(10_000)} = 1;`, 'options are nested deeper than 100 levels'],
  [`${head}message M { ${'map<string,'.repeat(10_000)}`, 'a map cannot contain a map'],
]

describe('Protobuf: invalid texts', () => {
  for (const [text, message] of invalid) {
    it(`${text.slice(-60).replaceAll('\n', ' ')}: ${message}`, () => {
      assert.throws(
        () => parse(text),
        (error) => error instanceof InvalidSchemaError && error.message.includes(message),
      )
    })
  }

  it('names the import that is invalid', () => {
    assert.throws(
      () => parse(head, { 'a.proto': 'message {' }),
      /^InvalidSchemaError: import "a.proto": line 1/,
    )
  })

  it('limits the references', () => {
    const reference = { name: 'a', subject: 'a', version: 1, schema: '' }
    const resolved = Array.from({ length: 1001 }, () => reference)
    assert.throws(
      () => protobufFormat.parse({ schema: '', references: [], resolved }),
      /reaches 1001 schemas through references; at most 1000/,
    )
  })
})

/** Files that compilers refuse, and the problem that is reported. */
const problems: readonly (readonly [text: string, problem: string])[] = [
  ['import "no.proto";', 'import "no.proto" is neither a reference nor a built-in file'],
  ['message M { google.protobuf.Any a = 1; }', 'declares google.protobuf.Any is not imported'],
  ['message M { int32 a = 1; string b = 1; }', 'column 26: message p.M: b and a have the number 1'],
  ['message M { int32 a = 1; string a = 2; }', 'declaration a is declared twice'],
  ['message M { int32 a = 0; }', 'number 0 of a is not in 1 to 536870911'],
  ['message M { int32 a = 19500; }', 'number 19500 of a is kept for protobuf itself'],
  ['message M { reserved 5 to 9, 1; int32 a = 7; }', 'a has the reserved number 7'],
  ['message M { reserved "a"; int32 a = 7; }', 'a is a reserved name'],
  ['message M { oneof o { } }', 'oneof o has no fields'],
  ['message M { int32 a = 1 [default = 3]; }', 'a has a default value, which proto3'],
  ['message M { extensions 5; }', 'proto3 has no extension ranges'],
  ['message M-x { }', 'message p.M-x is not a valid name'],
  ['enum E { }', 'enum p.E has no constants'],
  ['enum E { A = 1; }', 'the first constant A must be 0 in proto3'],
  ['enum E { A = 0; B = 0; }', 'B and A have the number 0'],
  ['enum E { A = 0; } enum F { A = 0; }', 'constant A is declared twice'],
  ['message M {} extend M { int32 a = 5; }', 'M does not declare 5 as an extension number'],
]

describe('Protobuf: problems', () => {
  for (const [text, problem] of problems) {
    it(problem, () => {
      const found = parse(head + text).problems()
      assert.ok(
        found.some((line) => line.includes(problem)),
        found.join('\n'),
      )
    })
  }

  it('a cycle of imports', () => {
    const imports = { 'a.proto': 'import "b.proto";', 'b.proto': 'import "a.proto";' }
    const found = parse('import "a.proto";', imports).problems()
    assert.deepEqual(found, ['import cycle: a.proto → b.proto → a.proto'])
  })

  it('none in a file that uses everything', () => {
    const file = `${head}
      import "google/protobuf/any.proto";
      message M {
        reserved 20 to 30, "old";
        google.protobuf.Any any = 1;
        oneof choice { string a = 2; N b = 3; }
        map<string, E> map = 4;
        message N { optional int32 x = 1; }
        enum E { option allow_alias = true; ZERO = 0; NULL = 0; }
      }
      service S { rpc Get (M) returns (stream M.N); }`
    assert.deepEqual(parse(file).problems(), [])
  })
})

describe('Protobuf: descriptors instead of texts', () => {
  it('are read as the text that they describe', () => {
    const text = `${head}\nmessage M {\n  int32 a = 1;\n\n  oneof o {\n    string b = 2;\n  }\n}\n`
    const serialized = parse(text).format('serialized')
    assert.equal(parse(serialized).canonical, text)
  })

  it('keep the metadata of Confluent', () => {
    const text = `${head}import "confluent/meta.proto";
      message M { string a = 1 [(confluent.field_meta) = { doc: "d", tags: ["PII"],
        params: [{key: "k", value: "v"}] }]; }`
    const schema = parse(text)
    assert.equal(parse(schema.format('serialized')).normalized(), schema.normalized())
  })
})

describe('Protobuf: incompatibilities', () => {
  it('name path, rule and remedy', () => {
    const [found] = parse(`${head}message M { string a = 1; }`).incompatibilities(
      parse(`${head}message M { int32 a = 1; }`),
    )
    assert.equal(found?.path, '#/M/1')
    assert.match(found?.rule ?? '', /encoded alike/)
    assert.match(found?.remedy ?? '', /new number/)
  })

  it('with a schema of another format', () => {
    const other: ParsedSchema = { ...parse(head), type: 'JSON' } as unknown as ParsedSchema
    const [found] = parse(head).incompatibilities(other)
    assert.equal(found?.message, 'Incompatible because of different schema type')
  })
})

describe('Protobuf: large and hostile schemas', () => {
  const seconds = (action: () => void): number => {
    const begin = process.cpuUsage()
    action()
    const used = process.cpuUsage(begin)
    return (used.user + used.system) / 1e6
  }
  const long = (part: (index: number) => string, prefix: string): string => {
    const parts = [prefix]
    let length = prefix.length
    for (let index = 1; length < 400_000; index++) {
      const text = part(index)
      parts.push(text)
      length += text.length
    }
    return parts.join('')
  }
  const texts: Readonly<Record<string, string>> = {
    'fields in one line': `${long((n) => `int32 f${n}=${n};`, `${head}message M {`)}}`,
    'fields of a message type': `${long((n) => `M f${n}=${n};`, `${head}message M {`)}}`,
    messages: long((n) => `message M${n}{M${Math.max(1, n - 1)} a=1;}`, head),
    'reserved numbers': `${long((n) => `reserved ${n};`, `${head}message M {`)}}`,
    imports: long((n) => `import "${n}";`, head),
    'options of one name': long((n) => `option a=${n};`, head),
    'a list in a literal': `${long((n) => `a:${n} `, `${head}option (x) = {`)}};`,
    oneofs: `${long((n) => `oneof o${n}{int32 f${n}=${n};}`, `${head}message M {`)}}`,
    constants: `${long((n) => `A${n}=${n - 1};`, `${head}enum E {`)}}`,
  }
  for (const [name, text] of Object.entries(texts)) {
    it(`${name}: a long text is printed and compared in time`, () => {
      const used = seconds(() => {
        const schema = parse(text)
        schema.problems()
        schema.format('serialized')
        assert.deepEqual(schema.incompatibilities(schema), [])
      })
      assert.ok(used < 10, `${used} s of CPU time`)
    })
  }

  it('one option set in many parts is refused', () => {
    const text = long((n) => `(o).a${n}=1,`, `${head}message M { int32 a = 1 [`)
    const file = `import "google/protobuf/descriptor.proto"; message O {}
      extend google.protobuf.FieldOptions { O o = 50000; }`
    assert.throws(() => parse(`${text}deprecated=true];} ${file}`), /is set \d+ times in one place/)
  })

  it('messages of another file that double at each level are compared once', () => {
    const levels = (last: string) =>
      Array.from({ length: 60 }, (_, level) => {
        const next = level === 59 ? `${last} a = 1;` : `A${level + 1} a = 1; A${level + 1} b = 2;`
        return `message A${level} { ${next} }`
      }).join('\n')
    const text = `${head}message M { A0 a = 1; }`
    const version = (last: string, number: number) =>
      protobufFormat.parse({
        schema: text,
        references: [{ name: 'a.proto', subject: 'a', version: number }],
        resolved: [{ name: 'a.proto', subject: 'a', version: number, schema: head + levels(last) }],
      })
    const before = version('int32', 1)
    assert.deepEqual(version('int64', 2).incompatibilities(before), [])
    const found = version('string', 2).incompatibilities(before)
    assert.equal(found[0]?.path, '#/A59/1')
    assert.ok(found.length <= 1000)
  })

  it('a chain of messages of another file does not end the stack', () => {
    const chain = (last: string) =>
      Array.from({ length: 20_000 }, (_, n) =>
        n === 19_999 ? `message A${n} { ${last} a = 1; }` : `message A${n} { A${n + 1} a = 1; }`,
      ).join('\n')
    const version = (last: string, number: number) =>
      protobufFormat.parse({
        schema: `${head}message M { A0 a = 1; }`,
        references: [{ name: 'a.proto', subject: 'a', version: number }],
        resolved: [{ name: 'a.proto', subject: 'a', version: number, schema: head + chain(last) }],
      })
    const before = version('int32', 1)
    assert.deepEqual(version('bool', 2).incompatibilities(before), [])
    const found = version('string', 2).incompatibilities(before)
    assert.equal(found[0]?.errorType, 'FIELD_SCALAR_KIND_CHANGED')
    assert.equal(found[0]?.path, '#/A19999/1')
  })
})

describe('Protobuf: types for records', () => {
  const schema = parse(
    `${head}import "a.proto";
      import "google/protobuf/timestamp.proto";
      message Outer {
        message Skipped {}
        message Inner { int32 user_id = 1; a.A imported = 2; Outer parent = 3; }
        google.protobuf.Timestamp at = 1;
        map<string, Inner> inner_map = 2;
        oneof choice { string text = 3; Kind kind = 4; }
        optional int64 maybe = 5;
        repeated sint32 numbers = 6;
      }
      enum Kind { NONE = 0; SOME = 1; }
      message Last {}`,
    {
      'a.proto': `syntax = "proto2"; package a;
        message A {
          required string name = 1;
          repeated int32 list = 2;
          optional group Part = 3 { optional int32 x = 1; }
          extensions 100 to 200;
        }
        extend A { optional string note = 100; }`,
    },
  )

  it('names and indexes of messages', () => {
    assert.deepEqual(schema.messageNames, ['p.Outer', 'p.Outer.Skipped', 'p.Outer.Inner', 'p.Last'])
    for (const [name, indexes] of Object.entries({
      'p.Outer': [0],
      'p.Outer.Inner': [0, 1],
      'p.Last': [1],
    })) {
      assert.deepEqual(schema.messageIndexes(name), indexes)
      assert.equal(schema.messageName(indexes), name)
    }
    assert.equal(schema.messageIndexes('p.Kind'), undefined)
    assert.equal(schema.messageIndexes('Outer'), undefined)
    assert.equal(schema.messageName([0, 2]), undefined)
    assert.equal(schema.messageName([]), 'p.Outer')
  })

  it('encode and decode a message with its imports', () => {
    const type = schema.messageType('p.Outer')
    const value = {
      at: { seconds: 5, nanos: 6 },
      innerMap: {
        k: {
          userId: 7,
          imported: { name: 'n', list: [1, 2], part: { x: 9 }, '.a.note': 'ext' },
          parent: { numbers: [-1, 1] },
        },
      },
      kind: 'SOME',
      maybe: 8,
    }
    const bytes = type.encode(type.fromObject(value)).finish()
    assert.deepEqual(type.toObject(type.decode(bytes), { enums: String, longs: Number }), value)
    assert.equal(schema.messageType('p.Outer'), type)
  })

  it('proto2 lists are not packed, proto3 lists are', () => {
    const a = schema.messageType('a.A')
    const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
    assert.equal(hex(a.encode({ name: 'n', list: [1, 2] }).finish()), '0a016e10011002')
    const outer = schema.messageType('p.Outer')
    assert.equal(hex(outer.encode({ numbers: [1, 2] }).finish()), '32020204')
  })

  it('names of fields are kept on request', () => {
    const type = schema.messageType('p.Outer.Inner', { keepCase: true })
    assert.deepEqual(Object.keys(type.fields), ['user_id', 'imported', 'parent'])
  })

  it('refuse an unknown message', () => {
    assert.throws(() => schema.messageType('p.Nope'), /no message p.Nope; it has p.Outer, /)
    assert.throws(() => schema.messageType('p.Kind'), InvalidSchemaError)
  })

  it('a file that only imports another one publicly stands for it', () => {
    const wrapper = parse('syntax = "proto3"; import public "b.proto";', {
      'b.proto': 'syntax = "proto3"; package b; message B { message C {} }',
    })
    assert.equal(wrapper.name, 'b.B')
    assert.deepEqual(wrapper.messageIndexes('b.B.C'), [0, 0])
    assert.equal(wrapper.messageName([0, 0]), 'b.B.C')
  })
})
