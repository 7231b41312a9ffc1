// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fromJavaProperties } from './java-properties.ts'

describe("a Java client's properties", () => {
  it('become options', () => {
    const { options, warnings } = fromJavaProperties(
      'consumer',
      `# as in Java
bootstrap.servers=a:1, b:2
group.id = billing
auto.offset.reset=by_duration:PT1H
enable.auto.commit=false
partition.assignment.strategy=org.apache.kafka.clients.consumer.CooperativeStickyAssignor
key.deserializer=org.apache.kafka.common.serialization.StringDeserializer
acks=all
max.poll.record=5
`,
    )
    assert.deepEqual(options, {
      bootstrapServers: ['a:1', 'b:2'],
      groupId: 'billing',
      autoOffsetReset: 'by_duration:PT1H',
      enableAutoCommit: false,
      partitionAssignmentStrategy: ['cooperative-sticky'],
    })
    assert.deepEqual(warnings, [
      'key.deserializer has no effect outside Java',
      'acks has no effect on a consumer',
      'unknown key max.poll.record; did you mean max.poll.records?',
    ])
  })

  it('of a producer have levels for their codec', () => {
    const { options } = fromJavaProperties('producer', {
      'bootstrap.servers': 'a:1',
      acks: '-1',
      'compression.type': 'zstd',
      'compression.zstd.level': '7',
      'linger.ms': '5',
      'partitioner.class': 'org.apache.kafka.clients.producer.RoundRobinPartitioner',
    })
    assert.deepEqual(options, {
      bootstrapServers: ['a:1'],
      acks: 'all',
      compression: 'zstd',
      compressionLevel: 7,
      lingerMs: 5,
      partitioner: 'roundRobin',
    })
  })

  it('have security in them', () => {
    const { options } = fromJavaProperties('admin', {
      'bootstrap.servers': 'a:1',
      'security.protocol': 'SASL_SSL',
      'sasl.mechanism': 'SCRAM-SHA-512',
      'sasl.jaas.config':
        'org.apache.kafka.common.security.scram.ScramLoginModule required username="al\\"ice" password=s3cret;',
      'ssl.truststore.type': 'PEM',
      'ssl.truststore.certificates': 'CERT',
      'ssl.endpoint.identification.algorithm': '',
    })
    assert.deepEqual(options.sasl, {
      mechanism: 'SCRAM-SHA-512',
      username: 'al"ice',
      password: 's3cret',
    })
    const { tls } = options
    assert.ok(typeof tls === 'object')
    assert.equal(tls.ca, 'CERT')
    assert.equal(tls.checkServerIdentity?.('h', {} as never), undefined)
  })

  it('are rejected with an error that names the key, the value and the expected values', () => {
    const cases: readonly (readonly [Readonly<Record<string, string>>, RegExp])[] = [
      [{ acks: '2' }, /invalid acks=2: expected all, -1, 0, 1/],
      [{ 'linger.ms': 'soon' }, /invalid linger.ms=soon: expected a number/],
      [{ 'enable.idempotence': 'yes' }, /expected true or false/],
      [{ 'security.protocol': 'TLS' }, /expected PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL/],
      [
        { 'security.protocol': 'SSL', 'ssl.truststore.location': '/nowhere' },
        /cannot read ssl.truststore.location/,
      ],
      [
        { 'security.protocol': 'SASL_SSL', 'sasl.mechanism': 'PLAIN' },
        /a login module with username and password/,
      ],
    ]
    for (const [properties, message] of cases) {
      assert.throws(() => fromJavaProperties('producer', properties), message)
    }
  })
})
