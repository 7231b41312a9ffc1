// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { InvalidSchemaError, schemaLimits } from '../schema/schema.ts'
import { type AvroSchema, avroFormat } from './format.ts'

function parse(schema: string, ...references: string[]): AvroSchema {
  const resolved = references.map((text, i) => ({
    name: `name${i}`,
    subject: `subject${i}`,
    version: 1,
    schema: text,
  }))
  return avroFormat.parse({ schema, references: resolved, resolved })
}

const refused: readonly (readonly [text: string, reason: RegExp])[] = [
  ['', /the schema is empty/],
  ['int', /line 1, column 1: expected a JSON value/],
  ['"int" x', /text after the schema, found "x"/],
  ['{"type":"int",}', /expected a name in double quotes/],
  ['{"type" "int"}', /expected ':'/],
  ['["int" "null"]', /expected ',' or '\]'/],
  ['"a\nb"', /control characters/],
  ['"\\x"', /unknown escape/],
  ['"abc', /the string does not end/],
  ['/* "int"', /the comment does not end/],
  ['{"type":"int","x":01}', /expected a JSON value/],
  [`{"type":"int","x":${'1'.repeat(1001)}}`, /more than 1000 characters/],
  ['12', /expected a name, an object or an array, found 12/],
  ['null', /found null/],
  ['"Unknown"', /\/: unknown type "Unknown"/],
  ['"strin"', /did you mean "string"\?/],
  ['{}', /no type in \{\}/],
  ['{"type":{"type":"int"}}', /"type" must be a name/],
  ['{"type":["null","int"]}', /"type" must be a name, found an array of 2/],
  ['{"type":"record","fields":[]}', /no name in an object with "type", "fields"/],
  ['{"type":"record","name":"","fields":[]}', /\/name: the name is empty/],
  ['{"type":"record","name":"a-b","fields":[]}', /illegal character in the name "a-b"/],
  ['{"type":"record","name":"1a","fields":[]}', /illegal initial character in the name "1a"/],
  ['{"type":"record","name":"𝒜","fields":[]}', /illegal initial character/],
  ['{"type":"record","name":"a𝒜","fields":[]}', /illegal character in the name "a𝒜"/],
  ['{"type":"record","name":"int","fields":[]}', /must not have the name of a primitive/],
  ['{"type":"record","name":"R"}', /record R has no array "fields"/],
  ['{"type":"record","name":"R","fields":{}}', /record R has no array "fields"/],
  ['{"type":"record","name":"R","fields":["a"]}', /\/fields\/0: expected a field with a name/],
  ['{"type":"record","name":"R","fields":[{"name":"a"}]}', /field a has no type/],
  [
    '{"type":"record","name":"R","fields":[{"name":"a","type":"int"},{"name":"a","type":"int"}]}',
    /\/fields\/1: duplicate field a in record R/,
  ],
  [
    '{"type":"record","name":"R","fields":[{"name":"a","type":"int","order":"up"}]}',
    /\/fields\/0\/order: order must be/,
  ],
  [
    '{"type":"record","name":"R","fields":[{"name":"a","type":"double","default":"x"}]}',
    /"x" is not a number/,
  ],
  [
    '{"type":"record","name":"R","fields":[{"name":"a","type":"int","aliases":"b"}]}',
    /\/fields\/0\/aliases: expected an array of names/,
  ],
  ['{"type":"record","name":"R","aliases":[1],"fields":[]}', /\/aliases: expected an array/],
  [
    '{"type":"record","name":"n.R","fields":[{"name":"a","type":"S"}]}',
    /\/fields\/0\/type: unknown type "n.S"/,
  ],
  ['{"type":"enum","name":"E"}', /enum E has no array "symbols"/],
  ['{"type":"enum","name":"E","symbols":["A","A"]}', /\/symbols\/1: duplicate enum symbol A/],
  ['{"type":"enum","name":"E","symbols":["a b"]}', /\/symbols\/0: illegal character/],
  ['{"type":"enum","name":"E","symbols":[null]}', /null is not a symbol/],
  ['{"type":"enum","name":"E","symbols":["A"],"default":"B"}', /"B" is not a symbol of enum E/],
  ['{"type":"fixed","name":"F"}', /must be an integer from 0 to 2147483639, found none/],
  ['{"type":"fixed","name":"F","size":-1}', /found -1/],
  ['{"type":"fixed","name":"F","size":1.0}', /found 1.0/],
  ['{"type":"fixed","name":"F","size":2147483640}', /found 2147483640/],
  ['{"type":"array"}', /array without "items"/],
  ['{"type":"map"}', /map without "values"/],
  ['["int",["null"]]', /\/1: a union must not contain a union/],
  ['["int","int"]', /duplicate type int in a union/],
  ['[{"type":"map","values":"int"},{"type":"map","values":"long"}]', /duplicate type map/],
  [
    '{"type":"record","name":"R","fields":[{"name":"a","type":["R","R"]}]}',
    /\/fields\/0\/type: duplicate type R/,
  ],
  [
    '[{"type":"record","name":"R","fields":[{"name":"a","type":{"type":"fixed","name":"F","size":1}}]},{"type":"fixed","name":"F","size":2}]',
    /\/1: F is already defined in another way/,
  ],
  ['{"type":"array","items":"int","x":[9223372036854775808]}', /integer of more than 64 bits/],
]

/** Texts and what is stored of them. */
const accepted: readonly (readonly [name: string, text: string, canonical: string])[] = [
  ['a comment', ' // c\n/* d */ "int" \n', '"int"'],
  ['an empty union', '[]', '[]'],
  [
    'a name in an object, whose other attributes are lost',
    '[{"type":"record","name":"R","fields":[{"name":"a","type":["null",{"type":"R","x":1}]}]}]',
    '[{"type":"record","name":"R","fields":[{"name":"a","type":["null","R"]}]}]',
  ],
  [
    'names that are defined later and by enclosing records',
    '{"type":"record","name":"R","fields":[{"name":"s","type":["null","S"]},{"name":"t","type":{"type":"record","name":"S","fields":[{"name":"r","type":"R"}]}}]}',
    '{"type":"record","name":"R","fields":[{"name":"s","type":["null",{"type":"record","name":"S","fields":[{"name":"r","type":"R"}]}]},{"name":"t","type":"S"}]}',
  ],
  [
    'a definition that is repeated',
    '{"type":"record","name":"R","fields":[{"name":"a","type":{"type":"fixed","name":"F","size":1}},{"name":"b","type":{"type":"fixed","name":"F","size":1}}]}',
    '{"type":"record","name":"R","fields":[{"name":"a","type":{"type":"fixed","name":"F","size":1}},{"name":"b","type":"F"}]}',
  ],
  [
    'the null namespace within a namespace',
    '{"type":"record","name":"n.R","fields":[{"name":"a","type":{"type":"fixed","name":"F","namespace":"","size":1}},{"name":"b","type":"F"}]}',
    '{"type":"record","name":"R","namespace":"n","fields":[{"name":"a","type":{"type":"fixed","name":"F","namespace":"","size":1}},{"name":"b","type":"F"}]}',
  ],
  [
    'a namespace that is not checked',
    '{"type":"fixed","name":"F","namespace":"my-team.x","size":1}',
    '{"type":"fixed","name":"F","namespace":"my-team.x","size":1}',
  ],
  [
    'a type with the name of a kind',
    '{"type":"record","name":"n.map","fields":[{"name":"a","type":["null","n.map"]}]}',
    '{"type":"record","name":"map","namespace":"n","fields":[{"name":"a","type":["null","n.map"]}]}',
  ],
  [
    'an error',
    '{"fields":[],"name":"R","type":"error"}',
    '{"type":"error","name":"R","fields":[]}',
  ],
  [
    'numbers',
    '{"type":"int","a":1.0,"b":1e3,"c":-0.00012,"d":12345678901234567890,"e":1e400,"f":-0,"g":1.5e10}',
    '{"type":"int","a":1.0,"b":1000.0,"c":-1.2E-4,"d":12345678901234567890,"e":"Infinity","f":0,"g":1.5E10}',
  ],
  [
    'properties whose names are numbers or repeated',
    '{"type":"int","10":1,"2":{"b":1,"1":[]},"10":null,"__proto__":7}',
    '{"type":"int","10":null,"2":{"b":1,"1":[]},"__proto__":7}',
  ],
  ['escapes', '{"type":"int","x":"\\u00e9\\u001f\\/\\t"}', '{"type":"int","x":"é\\u001F/\\t"}'],
  [
    'default of a double as text',
    '{"type":"record","name":"R","fields":[{"name":"a","type":"double","default":" -1.5e3f "},{"name":"b","type":"float","default":"NaN"}]}',
    '{"type":"record","name":"R","fields":[{"name":"a","type":"double","default":-1500.0},{"name":"b","type":"float","default":"NaN"}]}',
  ],
  [
    'attributes in the order of Avro',
    '{"z":1,"aliases":["b","n.c","o.d","b"],"doc":"x","fields":[{"z":1,"aliases":["q"],"order":"IGNORE","default":1,"doc":"y","type":"int","name":"f"}],"name":"n.R","type":"record"}',
    '{"type":"record","name":"R","namespace":"n","doc":"x","fields":[{"name":"f","type":"int","doc":"y","default":1,"order":"ignore","aliases":["q"],"z":1}],"z":1,"aliases":["b","c","o.d"]}',
  ],
]

describe('Avro parser', () => {
  for (const [text, reason] of refused) {
    it(`refuses ${text.slice(0, 80)}`, () => {
      assert.throws(
        () => parse(text),
        (error) => error instanceof InvalidSchemaError && reason.test(error.message),
      )
    })
  }

  for (const [name, text, canonical] of accepted) {
    it(`accepts ${name}`, () => {
      const schema = parse(text)
      assert.equal(schema.canonical, canonical)
      assert.equal(parse(canonical).canonical, canonical)
    })
  }

  it('only records have a name', () => {
    assert.equal(parse('{"type":"record","name":"n.R","fields":[]}').name, 'n.R')
    assert.equal(parse('{"type":"fixed","name":"n.F","size":1}').name, undefined)
    assert.equal(parse('"int"').name, undefined)
  })

  it('finds names that references define', () => {
    const color = '{"type":"enum","name":"n.Color","symbols":["A"]}'
    const car =
      '{"type":"record","name":"n.Car","fields":[{"name":"color","type":"Color"},{"name":"size","type":{"type":"fixed","name":"Size","size":2}}]}'
    const schema = parse(
      '{"type":"record","name":"R","fields":[{"name":"car","type":"n.Car"},{"name":"color","type":"n.Color"},{"name":"size","type":"n.Size"}]}',
      color,
      car,
    )
    assert.equal(
      schema.canonical,
      '{"type":"record","name":"R","fields":[{"name":"car","type":"n.Car"},{"name":"color","type":"n.Color"},{"name":"size","type":{"type":"fixed","name":"Size","namespace":"n","size":2}}]}',
    )
    assert.equal(schema.format('RESOLVED'), schema.resolved)
    assert.equal(parse(schema.resolved).canonical, schema.resolved)
    assert.equal(schema.format('other'), schema.canonical)
    assert.equal(parse(schema.canonical, color, car).canonical, schema.canonical)
    assert.equal(parse(schema.resolved, color, car).canonical, schema.canonical)
  })

  it('reports the reference that is not valid', () => {
    assert.throws(
      () => parse('"n.Color"', '{"type":"enum"}'),
      /reference name0 \(subject0, version 1\): \/: no name/,
    )
  })

  it('reports too many references', () => {
    const references = Array.from({ length: schemaLimits.references + 1 }, () => '"int"')
    assert.throws(() => parse('"int"', ...references), /uses 1001 other schemas/)
  })
})

describe('problems of Avro schemas', () => {
  const field = (type: string, value: string): string =>
    `{"type":"record","name":"R","fields":[{"name":"a","type":${type},"default":${value}}]}`
  const cases: readonly (readonly [text: string, problems: readonly RegExp[]])[] = [
    [field('"int"', '1'), []],
    [field('"int"', '"x"'), [/^the default of field a of R .*: expected int, found "x"$/]],
    [field('"int"', '2147483648'), [/found 2147483648/]],
    [field('"int"', '1.0'), [/found 1\.0/]],
    [field('"long"', '9223372036854775808'), [/expected long/]],
    [field('"float"', '1'), []],
    [field('"bytes"', '1'), [/expected bytes/]],
    [field('"boolean"', 'null'), [/expected boolean/]],
    [field('["int","null"]', 'null'), []],
    [field('["int","null"]', '"x"'), [/expected int or null/]],
    [field('{"type":"array","items":"int"}', '[1,"x"]'), [/expected array/]],
    [field('{"type":"map","values":"int"}', '{"a":true}'), [/expected map/]],
    [
      field('{"type":"record","name":"S","fields":[{"name":"b","type":"int"}]}', '{}'),
      [/expected S/],
    ],
    [
      field('{"type":"record","name":"S","fields":[{"name":"b","type":"int","default":0}]}', '{}'),
      [],
    ],
    [field('"R"', '{}'), [/expected R/]],
    ['{"type":"record","name":"é","fields":[]}', [/the name "é"/]],
    ['{"type":"fixed","name":"a-b.F","size":1}', [/the part of the namespace "a-b"/]],
    ['{"type":"enum","name":"E","symbols":["ä"]}', [/the symbol "ä"/]],
  ]
  for (const [text, expected] of cases) {
    it(text, () => {
      const problems = parse(text).problems()
      assert.equal(problems.length, expected.length, problems.join(', '))
      expected.forEach((pattern, i) => {
        assert.match(problems[i] ?? '', pattern)
      })
    })
  }
})

describe('normalised Avro schemas', () => {
  const field = (type: string, value: string): string =>
    `{"type":"record","name":"R","fields":[{"name":"a","type":${type},"default":${value}}]}`
  const cases: readonly (readonly [text: string, normalized: string])[] = [
    [
      '{"type":"bytes","x":{"b":1,"a":2},"scale":2,"precision":4,"logicalType":"decimal","a":1}',
      '{"type":"bytes","logicalType":"decimal","precision":4,"scale":2,"a":1,"x":{"a":2,"b":1}}',
    ],
    [
      '{"type":"bytes","scale":0,"precision":4,"logicalType":"decimal","a":1}',
      '{"type":"bytes","logicalType":"decimal","precision":4,"a":1,"scale":0}',
    ],
    [
      '{"type":"int","precision":4,"logicalType":"decimal","a":1}',
      '{"type":"int","a":1,"logicalType":"decimal","precision":4}',
    ],
    [
      '{"type":"fixed","name":"F","size":2,"precision":5,"logicalType":"decimal","a":1}',
      '{"type":"fixed","name":"F","size":2,"a":1,"logicalType":"decimal","precision":5}',
    ],
    [
      '{"type":"long","a":1,"logicalType":"timestamp-millis"}',
      '{"type":"long","logicalType":"timestamp-millis","a":1}',
    ],
    [
      '{"type":"error","name":"R","doc":"","aliases":["b","a"],"fields":[{"name":"f","type":"int","doc":"","aliases":["z","y"]}]}',
      '{"type":"record","name":"R","fields":[{"name":"f","type":"int","doc":"","aliases":["y","z"]}],"aliases":["a","b"]}',
    ],
    [field('"double"', '1'), field('"double"', '1.0')],
    [field('"float"', '0.1'), field('"float"', '0.1')],
    [field('"float"', '16777217'), field('"float"', '1.6777216E7')],
    [
      field('{"type":"map","values":"double"}', '{"b":1,"a":2}'),
      field('{"type":"map","values":"double"}', '{"a":2.0,"b":1.0}'),
    ],
    [
      field('["null","string"]', '"x"'),
      '{"type":"record","name":"R","fields":[{"name":"a","type":["null","string"]}]}',
    ],
  ]
  for (const [text, normalized] of cases) {
    it(text, () => {
      assert.equal(parse(text).normalized(), normalized)
      assert.equal(parse(normalized).normalized(), normalized)
    })
  }
})
