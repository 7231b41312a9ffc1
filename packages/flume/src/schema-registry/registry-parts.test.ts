// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { checkDecoder } from './record-decoder.ts'
import { checkEncoder } from './record-encoder.ts'

const url = 'schema.registry.url=http://r:8081'
const javaEncoder = 'io.confluent.kafka.serializers.protobuf.KafkaProtobufSerializer'
const javaRecord =
  'value.subject.name.strategy=io.confluent.kafka.serializers.subject.RecordNameStrategy'

type Row = readonly [type: string, entries: readonly string[], ...problems: RegExp[]]

const encoders: readonly Row[] = [
  ['none', []],
  ['none', [url], /^warning: serializer\.schema\.registry\.url is not known/],
  ['avro', [], /^serializer\.schema\.registry\.url is missing/],
  ['avro', [url]],
  ['AVRO', [`${url},https://s/path`]],
  ['avro', ['schema.registry.url=r:8081'], /url is "r:8081"; expected http:\/\/HOST:PORT/],
  ['avor', [url], /^warning: serializer is "avor", which is ignored.*did you mean avro/],
  ['com.acme.MySerializer', [url], /^warning: serializer is "com\.acme\.MySerializer", which is/],
  ['kafka.serializer.StringEncoder', [], /^warning: serializer is "kafka.*which is ignored/],
  ['none', ['class=kafka.serializer.StringEncoder'], /^warning: serializer\.class is not known/],
  [javaEncoder, [url, 'message=a.B', 'auto.register.schemas=false', 'schema.file=a.proto']],
  ['avro', [url, 'message=a.B'], /^warning: serializer\.message is not known/],
  [
    'avro',
    [url, 'schema.fiel=a'],
    /^warning: serializer\.schema\.fiel .*did you mean schema\.file/,
  ],
  ['avro', [url, 'subject.name.strategy=names'], /expected topic, record or topic-record/],
  ['avro', [url, javaRecord, 'schema.file=a']],
  ['avro', [url, javaRecord], /^serializer\.subject\.name\.strategy is record; expected topic/],
  ['avro', [url, javaRecord, 'schema.file=a', 'use.latest.version=true'], /expected topic/],
  ['avro', [url, 'use.latest.version=false'], /schema\.file is missing/],
  ['avro', [url, 'basic.auth.user.info=name'], /expected NAME:PASSWORD/],
  ['avro', [url, 'schema.registry.basic.auth.user.info=a:b:c']],
  ['avro', [url, 'basic.auth.credentials.source=SASL_INHERIT'], /expected URL, USER_INFO/],
  ['avro', [url, 'schema.registry.ssl.truststore.location=a.jks']],
  [
    'avro',
    [url, 'schema.registry.ssl.truststore.locaton=a'],
    /^warning: serializer\.schema\.registry\.ssl\.truststore\.locaton is not known.*location/,
  ],
  ['avro', [url, 'latest.cache.ttl.sec=-2'], /expected a whole number from -1/],
]

const decoders: readonly Row[] = [
  ['none', []],
  ['registry', [url]],
  ['registry', [], /^deserializer\.schema\.registry\.url is missing/],
  ['protobuf', [url, 'schema.file=a'], /^warning: deserializer\.schema\.file is not known/],
  ['io.confluent.kafka.serializers.KafkaAvroDeserializer', [url]],
  ['json', [url], /^warning: .*expected none, avro, json-schema, protobuf, registry/],
]

function entriesOf(lines: readonly string[]): Map<string, string> {
  return new Map(
    lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  )
}

for (const [name, check, rows] of [
  ['serializer', checkEncoder, encoders],
  ['deserializer', checkDecoder, decoders],
] as const) {
  describe(`the keys of ${name}`, () => {
    for (const [type, lines, ...expected] of rows) {
      it(`${type} ${lines.join(' ')}`, () => {
        const found = check(type, entriesOf(lines)).map(
          ({ key, message, effect }) => `${effect === 'none' ? 'warning: ' : ''}${key} ${message}`,
        )
        assert.equal(found.length, expected.length, found.join('\n'))
        for (const [index, pattern] of expected.entries()) assert.match(found[index] ?? '', pattern)
      })
    }
  })
}
