// SPDX-License-Identifier: Apache-2.0
// Requests that Apicurio Registry and ours both know, in the order in which they are made.

/** A request, and how the answers differ. */
export interface RegistryStep {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly path: string
  readonly body?: unknown
  /** Why the answers differ; undefined if they must be equal. */
  readonly differs?: Difference
}

/** Both answers in the form of `summary`, with the reason. */
export interface Difference {
  readonly ours: unknown
  readonly apicurio: unknown
  readonly reason: string
}

/** Reasons for differences: ours answers as Confluent's registry. */
const reasons = {
  notFoundConfig: 'a subject without configuration: Confluent has the code 40408',
  defaultConfig: 'Apicurio answers with the global level for a subject without configuration',
  defaultMode: 'Apicurio answers with the global mode for a subject without one',
  levelCase: 'Confluent ignores the case of a level',
  noCode: 'Apicurio has no error body for an unknown path',
  conflict: 'Confluent has the code 40901 since 2025',
  readOnlyRegister: 'a mode of a subject has no effect on registering in Apicurio',
  deletedAgain: 'Apicurio deletes versions again that are deleted',
  versionText: 'Confluent refuses a version that is no positive number',
  emptySchema: 'Apicurio registers an empty schema',
  noSchema: 'Apicurio fails without a schema',
  wrongMode: 'Confluent has the code 42204 for an unknown mode',
  readOnlyDelete: 'Apicurio deletes in the mode READONLY',
  importIds: 'Apicurio ignores the id and version of an import',
  softTwice: 'Confluent answers 404 to a second deletion, and to a permanent one without a first',
  prefix: 'Apicurio ignores subjectPrefix',
  contexts: 'Apicurio has no contexts: a qualified subject is only a name',
  metadata: 'Apicurio has no metadata',
  guid: 'Apicurio has no GUIDs',
  identity: 'Apicurio has no /v1/metadata',
} as const

const record = (...fields: readonly object[]): string =>
  JSON.stringify({ type: 'record', name: 'R', namespace: 'n', fields })
const a = { name: 'a', type: 'int' }
const b = { name: 'b', type: 'string', default: 'x' }
const c = { name: 'c', type: 'string' }
const avro = (schema: string): object => ({ schema })
const json = (schema: object): object => ({ schemaType: 'JSON', schema: JSON.stringify(schema) })
const proto = (body: string): object => ({
  schemaType: 'PROTOBUF',
  schema: `syntax = "proto3";\npackage p;\n\n${body}\n`,
})
const draft7 = 'http://json-schema.org/draft-07/schema#'
const object = (properties: object, more: object = {}): object => ({
  $schema: draft7,
  type: 'object',
  properties,
  ...more,
})
const inner = JSON.stringify({
  type: 'record',
  name: 'Inner',
  namespace: 'x',
  fields: [{ name: 'i', type: 'int' }],
})
const outer = JSON.stringify({
  type: 'record',
  name: 'Outer',
  namespace: 'y',
  fields: [{ name: 'inner', type: 'x.Inner' }],
})
const innerReference = [{ name: 'x.Inner', subject: 'ref', version: 1 }]

function step(
  method: RegistryStep['method'],
  path: string,
  body?: unknown,
  differs?: Difference,
): RegistryStep {
  return {
    method,
    path,
    ...(body === undefined ? {} : { body }),
    ...(differs === undefined ? {} : { differs }),
  }
}

function differ(reason: keyof typeof reasons, ours: unknown, apicurio: unknown): Difference {
  return { reason: reasons[reason], ours, apicurio }
}

/** The script. */
export const registrySteps: readonly RegistryStep[] = [
  // Nothing is registered.
  step('PUT', '/config', { compatibility: 'NONE' }),
  step('GET', '/config'),
  step('GET', '/mode'),
  step('GET', '/schemas/types'),
  step('GET', '/subjects'),
  step('GET', '/schemas/ids/1'),
  step('GET', '/subjects/none/versions'),
  step('GET', '/subjects/none/versions/1'),
  step('GET', '/subjects/none/versions/latest'),
  step('POST', '/subjects/none', avro(record(a))),
  step('DELETE', '/subjects/none'),
  step('DELETE', '/subjects/none/versions/1'),
  step('POST', '/compatibility/subjects/none/versions/latest', avro(record(a))),
  step('GET', '/config/none', undefined, differ('notFoundConfig', [404, 40408], [404, 40401])),
  step(
    'GET',
    '/mode/none',
    undefined,
    differ('defaultMode', [404, 40409], [200, { mode: 'READWRITE' }]),
  ),
  step('GET', '/nosuchpath', undefined, differ('noCode', [404, 404], [404, null])),
  // Registering.
  step('POST', '/subjects/s1/versions', avro(record(a))),
  step('POST', '/subjects/s1/versions', avro(record(a))),
  step('POST', '/subjects/s1/versions', avro(` ${record(a).replaceAll(',', ' , ')}`)),
  step('POST', '/subjects/s1/versions', avro(record(a, b))),
  step('POST', '/subjects/s2/versions', avro(record(a))),
  step('POST', '/subjects/s2/versions', { ...avro('"string"'), schemaType: 'AVRO' }),
  step('POST', '/subjects/s1/versions', avro('{"type":"record"')),
  step('POST', '/subjects/s1/versions', avro('"nosuch"')),
  step('POST', '/subjects/s1/versions', { schema: '"string"', schemaType: 'XML' }),
  step('GET', '/subjects'),
  step('GET', '/subjects/s1/versions'),
  step('GET', '/subjects/s1/versions/1'),
  step('GET', '/subjects/s1/versions/2'),
  step('GET', '/subjects/s1/versions/latest'),
  step('GET', '/subjects/s1/versions/-1'),
  step(
    'GET',
    '/subjects/s1/versions/0',
    undefined,
    differ('versionText', [422, 42202], [404, 40402]),
  ),
  step(
    'GET',
    '/subjects/s1/versions/abc',
    undefined,
    differ('versionText', [422, 42202], [404, 40402]),
  ),
  step('GET', '/subjects/s1/versions/99'),
  step('GET', '/subjects/s1/versions/1/schema'),
  step('GET', '/subjects/s1/versions/1/referencedby'),
  step('GET', '/schemas/ids/1'),
  step('GET', '/schemas/ids/1/schema'),
  step('GET', '/schemas/ids/1/subjects'),
  step('GET', '/schemas/ids/1/versions'),
  step('GET', '/schemas/ids/99999'),
  step(
    'GET',
    '/subjects?subjectPrefix=s2',
    undefined,
    differ('prefix', [200, ['s2']], [200, ['s1', 's2']]),
  ),
  step('GET', '/subjects?offset=1&limit=1'),
  step('POST', '/subjects/s1', avro(record(a, b))),
  step('POST', '/subjects/s1', avro(record(a, b, c))),
  step('GET', '/v1/metadata/id', undefined, differ('identity', [200, 'identity'], [404, null])),
  step(
    'GET',
    '/schemas/guids/00000000-0000-0000-0000-000000000000',
    undefined,
    differ('guid', [404, 40403], [404, null]),
  ),
  // Compatibility and configuration.
  ...[
    'BACKWARD',
    'BACKWARD_TRANSITIVE',
    'FORWARD',
    'FORWARD_TRANSITIVE',
    'FULL',
    'FULL_TRANSITIVE',
  ].flatMap((compatibility) => [
    step('PUT', '/config/s1', { compatibility }),
    step('GET', '/config/s1'),
    step('POST', '/compatibility/subjects/s1/versions/latest', avro(record(a, b, c))),
    step('POST', '/compatibility/subjects/s1/versions/latest', avro(record(a))),
    step('POST', '/compatibility/subjects/s1/versions/1', avro(record(a, b))),
    step('POST', '/compatibility/subjects/s1/versions', avro(record({ ...a, type: 'long' }, b))),
    step('POST', '/compatibility/subjects/s1/versions/latest', avro('"int"')),
  ]),
  step('POST', '/compatibility/subjects/s1/versions/99', avro(record(a))),
  step('POST', '/compatibility/subjects/s1/versions/latest', avro('bad')),
  step(
    'POST',
    '/subjects/s1/versions',
    avro(record(a, b, c)),
    differ('conflict', [409, 40901], [409, 409]),
  ),
  step('PUT', '/config/s1', { compatibility: 'WRONG' }),
  step(
    'PUT',
    '/config/s1',
    { compatibility: 'none' },
    differ('levelCase', [200, { compatibility: 'NONE' }], [422, 42203]),
  ),
  step('PUT', '/config/nosubject', { compatibility: 'FULL' }),
  step('GET', '/config/nosubject'),
  step(
    'DELETE',
    '/config/s1',
    undefined,
    differ(
      'levelCase',
      [200, { compatibilityLevel: 'NONE' }],
      [200, { compatibilityLevel: 'FULL_TRANSITIVE' }],
    ),
  ),
  step(
    'GET',
    '/config/s1',
    undefined,
    differ('defaultConfig', [404, 40408], [200, { compatibilityLevel: 'NONE' }]),
  ),
  step('POST', '/subjects/s1/versions', avro(record(a, b, c))),
  // Modes.
  step('PUT', '/mode/s1', { mode: 'READONLY' }),
  step('GET', '/mode/s1'),
  step(
    'POST',
    '/subjects/s1/versions',
    avro('"null"'),
    differ('readOnlyRegister', [422, 42205], [200, 'id']),
  ),
  step('PUT', '/mode/s1', { mode: 'WRONG' }, differ('wrongMode', [422, 42204], [422, 42201])),
  step('PUT', '/mode/s1', { mode: 'READWRITE' }),
  // Deletion.
  step('POST', '/subjects/d/versions', avro('"int"')),
  step('POST', '/subjects/d/versions', avro('"long"')),
  step(
    'DELETE',
    '/subjects/d/versions/1?permanent=true',
    undefined,
    differ('softTwice', [404, 40407], [409, 40407]),
  ),
  step('DELETE', '/subjects/d/versions/1'),
  step(
    'DELETE',
    '/subjects/d/versions/1',
    undefined,
    differ('softTwice', [404, 40406], [409, 40406]),
  ),
  step('GET', '/subjects/d/versions'),
  step('GET', '/subjects/d/versions?deleted=true'),
  step('GET', '/subjects/d/versions/1'),
  step('GET', '/subjects/d/versions/1?deleted=true'),
  step('POST', '/subjects/d', avro('"int"')),
  step('POST', '/subjects/d?deleted=true', avro('"int"')),
  step('DELETE', '/subjects/d/versions/1?permanent=true'),
  step('GET', '/subjects/d/versions?deleted=true'),
  step('DELETE', '/subjects/d/versions/99'),
  step(
    'DELETE',
    '/subjects/d?permanent=true',
    undefined,
    differ('softTwice', [404, 40405], [409, 40405]),
  ),
  step('DELETE', '/subjects/d'),
  step('DELETE', '/subjects/d'),
  step('GET', '/subjects'),
  step('GET', '/subjects?deleted=true'),
  step('GET', '/subjects?deletedOnly=true'),
  step('POST', '/subjects/d/versions', avro('"boolean"')),
  step('GET', '/subjects/d/versions?deleted=true'),
  step('DELETE', '/subjects/d', undefined, differ('deletedAgain', [200, [3]], [200, [2, 3]])),
  step('DELETE', '/subjects/d?permanent=true'),
  // The schema of a subject that is gone would have its old id in Apicurio.
  step('POST', '/subjects/d/versions', avro('{"type":"array","items":"int"}')),
  step('GET', '/subjects/d/versions'),
  // References.
  step('POST', '/subjects/ref/versions', avro(inner)),
  step('POST', '/subjects/outer/versions', { schema: outer, references: innerReference }),
  step('GET', '/subjects/outer/versions/1'),
  step('POST', '/subjects/outer', { schema: outer, references: innerReference }),
  step('GET', '/subjects/ref/versions/1/referencedby'),
  step('DELETE', '/subjects/ref/versions/1'),
  step('DELETE', '/subjects/ref'),
  step('POST', '/subjects/missing/versions', {
    schema: outer,
    references: [{ name: 'x.Inner', subject: 'missing', version: 1 }],
  }),
  step('POST', '/subjects/unreferenced/versions', avro(outer)),
  // JSON Schema.
  step('PUT', '/config', { compatibility: 'BACKWARD' }),
  ...(
    [
      ['j1', object({ a: { type: 'string' } }), object({ a: { type: 'integer' } })],
      ['j2', object({ a: { type: 'integer' } }), object({ a: { type: 'number' } })],
      ['j3', object({ a: {} }, { required: ['a'] }), object({ a: {} })],
      ['j4', object({ a: {} }), object({ a: {} }, { required: ['a'] })],
      ['j5', object({ a: { enum: ['x'] } }), object({ a: { enum: ['x', 'y'] } })],
      ['j6', object({ a: { type: 'string' } }), object({ a: { type: 'string', maxLength: 5 } })],
      ['j7', object({ a: {} }), object({ a: {}, b: { type: 'string' } })],
    ] as const
  ).flatMap(([subject, before, after]) => [
    step('POST', `/subjects/${subject}/versions`, json(before)),
    step('POST', `/compatibility/subjects/${subject}/versions/latest`, json(after)),
  ]),
  step('GET', '/subjects/j1/versions/1'),
  // Protobuf. Apicurio's compatibility check is left out: the first one takes minutes.
  step('POST', '/subjects/p1/versions', proto('message M {\n  int32 a = 1;\n}')),
  step('GET', '/subjects/p1/versions/1'),
  // Names.
  step('POST', '/subjects/a%2Fb/versions', avro('{"type":"map","values":"int"}')),
  step('GET', '/subjects/a%2Fb/versions'),
  step(
    'POST',
    '/subjects/%3A.ctx%3Asub/versions',
    avro('"float"'),
    differ('contexts', [200, 'id'], [200, 'id']),
  ),
  step('GET', '/subjects/%3A.ctx%3Asub/versions'),
  step('GET', '/contexts', undefined, differ('contexts', [200, ['.', '.ctx']], [200, [':.:']])),
  // What Apicurio lacks.
  step('POST', '/subjects/m/versions', {
    schema: '"double"',
    metadata: { properties: { owner: 'me' } },
  }),
  step(
    'GET',
    '/subjects/m/metadata?key=owner&value=me',
    undefined,
    differ(
      'metadata',
      [200, { subject: 'm', version: 1, id: 'id', schema: 'double' }],
      [204, null],
    ),
  ),
  step(
    'POST',
    '/subjects/empty/versions',
    avro(''),
    differ('emptySchema', [422, 42201], [200, 'id']),
  ),
  step('POST', '/subjects/empty/versions', {}, differ('noSchema', [422, 42201], [500, 0])),
  step('PUT', '/mode/imp', { mode: 'IMPORT' }),
  step(
    'POST',
    '/subjects/imp/versions',
    { schema: '"bytes"', id: 500, version: 3 },
    differ('importIds', [200, 'id'], [200, 'id']),
  ),
  step('GET', '/subjects/imp/versions', undefined, differ('importIds', [200, [3]], [200, [1]])),
  step('PUT', '/mode/s1', { mode: 'READONLY' }),
  step(
    'DELETE',
    '/subjects/s1/versions/1',
    undefined,
    differ('readOnlyDelete', [422, 42205], [200, 1]),
  ),
]
