// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silentLogger } from '@millrace/base'
import { checkClientProperties, clientOptions } from './client-properties.ts'

const context = { directory: '/', logger: silentLogger }

type Entries = Readonly<Record<string, string>>

const checked = (kind: 'producer' | 'consumer', entries: Entries): string[] =>
  checkClientProperties(kind, 'kafka.p.', new Map(Object.entries(entries))).map(
    ({ key, message, effect = 'component' }) => `${effect}: ${key} ${message}`,
  )

describe("the entries of a Kafka component's client", () => {
  /** Entries, and the problem that they have. */
  const rows: readonly (readonly [entries: Entries, problem?: RegExp])[] = [
    [{}],
    [{ acks: 'all', 'linger.ms': '5' }],
    // Flume sets these itself.
    [{ 'key.serializer': 'org.apache.kafka.common.serialization.StringSerializer' }],
    [{ 'ssl.disableTLSHostnameVerification': 'true' }],
    [{ 'linger.msec': '5' }, /^none: kafka\.p\.linger\.msec is not known; did you mean/],
    [{ acks: '2' }, /^component: kafka\.p\.acks /],
    [{ 'linger.ms': 'soon' }, /^component: kafka\.p\.linger\.ms /],
    [{ 'security.protocol': 'TLS' }, /^component: kafka\.p\.security\.protocol /],
    // Files are not read before the component starts.
    [{ 'security.protocol': 'SSL', 'ssl.truststore.location': '/none.jks' }],
    // Neither are values of config providers, and what may depend on them.
    [
      {
        'config.providers': 'file',
        'config.providers.file.class': 'org.apache.kafka.common.config.provider.FileConfigProvider',
        'security.protocol': 'SASL_SSL',
        'sasl.jaas.config': `\${file:/none:jaas}`,
        'linger.ms': `\${file:/none:linger}`,
      },
    ],
  ]
  for (const [entries, problem] of rows) {
    it(JSON.stringify(entries), () => {
      const found = checked('producer', entries)
      assert.equal(found.length, problem === undefined ? 0 : 1, found.join('\n'))
      if (problem !== undefined) assert.match(found[0] ?? '', problem)
    })
  }

  it('become options', () => {
    const entries = new Map([
      ['linger.ms', '7'],
      ['client.id', 'me'],
    ])
    const options = clientOptions({
      kind: 'producer',
      bootstrapServers: 'a:1,b:2',
      entries,
      context,
    })
    assert.deepEqual(
      [options.bootstrapServers, options.clientId, options.lingerMs, options.logger],
      [['a:1', 'b:2'], 'me', 7, silentLogger],
    )
  })

  it('with a key store that cannot be read fail when the component starts', () => {
    const start = (entries: Entries) => () =>
      clientOptions({
        kind: 'producer',
        bootstrapServers: 'a:1',
        entries: new Map(Object.entries(entries)),
        context,
      })
    for (const name of ['ssl.truststore.location', 'ssl.keystore.location']) {
      const entries = { 'security.protocol': 'SSL', [name]: '/none.jks' }
      assert.throws(start(entries), /cannot read the key store \/none\.jks: .*ENOENT/, name)
      // Without TLS the store is irrelevant.
      assert.ok(start({ ...entries, 'security.protocol': 'PLAINTEXT' })())
    }
  })
})
