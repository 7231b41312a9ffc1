// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { Event } from '../../event.ts'
import { hadoopConfiguration } from './hadoop-configuration.ts'
import { inUseName } from './in-use-name.ts'
import { s3Target } from './s3-target.ts'
import { SequenceFile } from './sequence-file.ts'

const directory = mkdtempSync(join(tmpdir(), 'hdfs-'))
after(() => rmSync(directory, { recursive: true }))

const property = (name: string, value: string): string =>
  `<property><name>${name}</name><value>${value}</value></property>`

/** Writes core-site.xml in a directory of this name. */
function site(name: string, content: string): string {
  const path = join(directory, name)
  mkdirSync(path, { recursive: true })
  writeFileSync(join(path, 'core-site.xml'), `<configuration>${content}</configuration>`)
  return path
}

describe("Hadoop's configuration", () => {
  const read = (content: string, overrides: Readonly<Record<string, string>> = {}) =>
    Object.fromEntries(
      hadoopConfiguration(site('conf', content), new Map(Object.entries(overrides)), {
        USER: 'me',
      }),
    )

  const rows: readonly (readonly [
    title: string,
    content: string,
    settings: Readonly<Record<string, string>>,
  ])[] = [
    ['has names and values', property('a', '1') + property('b', ' 2 '), { a: '1', b: '2' }],
    ['takes the last value', property('a', '1') + property('a', '2'), { a: '2' }],
    ['skips comments', `<!-- ${property('a', '1')} -->${property('b', '2')}`, { b: '2' }],
    ['skips entries without a value', '<property><name>a</name></property>', {}],
    ['reads entities', property('a', '&lt;&amp;&quot;&apos;&gt; &other;'), { a: '<&"\'> &other;' }],
    ['inserts other settings', property('a', `\${b}/x`) + property('b', '1'), { a: '1/x', b: '1' }],
    ['inserts the environment', property('a', `\${env.USER}`), { a: 'me' }],
    ['leaves what it does not know', property('a', `\${c} \${env.C}`), { a: `\${c} \${env.C}` }],
    ['ends for a setting within itself', property('a', `\${a}`), { a: `\${a}` }],
  ]
  for (const [title, content, settings] of rows) {
    it(title, () => assert.deepEqual(read(content), settings))
  }

  it('is overridden by the sink, and by directories in order', () => {
    assert.deepEqual(read(property('a', '1'), { a: '2' }), { a: '2' })
    const home = site('home/etc/hadoop', property('a', 'home') + property('b', 'home'))
    const conf = site('conf-dir', property('b', 'conf') + property('c', 'conf'))
    const own = site('own', property('c', 'own'))
    const environment = { HADOOP_HOME: join(home, '../..'), HADOOP_CONF_DIR: conf }
    assert.deepEqual(Object.fromEntries(hadoopConfiguration(own, new Map(), environment)), {
      a: 'home',
      b: 'conf',
      c: 'own',
    })
    assert.equal(hadoopConfiguration(undefined, new Map(), {}).size, 0)
  })
})

describe('the target of s3a://bucket', () => {
  const target = (settings: Readonly<Record<string, string>>, userInfo = '', scheme = 's3a') =>
    s3Target({ scheme, bucket: 'b', userInfo }, new Map(Object.entries(settings)))

  const rows: readonly (readonly [
    settings: Readonly<Record<string, string>>,
    found: Readonly<Record<string, string | undefined>>,
  ])[] = [
    [{}, { endpoint: undefined, region: undefined, accessKeyId: undefined }],
    [
      { 'fs.s3a.access.key': 'i', 'fs.s3a.secret.key': 's' },
      { accessKeyId: 'i', secretAccessKey: 's' },
    ],
    // Settings of the bucket come first.
    [{ 'fs.s3a.access.key': 'i', 'fs.s3a.bucket.b.access.key': 'j' }, { accessKeyId: 'j' }],
    [{ 'fs.s3a.access.key': 'i', 'fs.s3a.bucket.c.access.key': 'j' }, { accessKeyId: 'i' }],
    [{ 'fs.s3a.awsAccessKeyId': 'old' }, { accessKeyId: 'old' }],
    [{ 'fs.s3a.session.token': 't' }, { sessionToken: 't' }],
    [{ 'fs.s3a.endpoint': 'h:9000' }, { endpoint: 'https://h:9000' }],
    [
      { 'fs.s3a.endpoint': 'h:9000', 'fs.s3a.connection.ssl.enabled': ' false ' },
      { endpoint: 'http://h:9000' },
    ],
    [{ 'fs.s3a.endpoint': 'http://h' }, { endpoint: 'http://h' }],
    [{ 'fs.s3a.endpoint': ' ' }, { endpoint: undefined }],
    [{ 'fs.s3a.endpoint': 's3.eu-west-1.amazonaws.com' }, { region: 'eu-west-1' }],
    [
      { 'fs.s3a.endpoint': 's3.eu-west-1.amazonaws.com', 'fs.s3a.endpoint.region': 'us-east-2' },
      { region: 'us-east-2' },
    ],
  ]
  for (const [settings, expected] of rows) {
    it(JSON.stringify(settings), () => {
      const found = Object.entries(target(settings)).filter(([name]) => name in expected)
      assert.deepEqual(Object.fromEntries(found), expected)
    })
  }

  it('has the credentials of the URL first, decoded', () => {
    const { accessKeyId, secretAccessKey } = target({ 'fs.s3a.access.key': 'i' }, 'id:a%2Fb')
    assert.deepEqual([accessKeyId, secretAccessKey], ['id', 'a/b'])
  })
})

describe('the name of a file in use', () => {
  for (const [prefix, suffix, path, expected] of [
    ['', '.tmp', '/a/b', '/a/b.tmp'],
    ['_', '.tmp', '/a/b', '/a/_b.tmp'],
    ['_', '', 'b', '_b'],
    ['', '', '/a/b', '/a/b'],
  ] as const) {
    it(`${path} with ${prefix || 'no'} prefix and ${suffix || 'no'} suffix`, () => {
      assert.equal(inUseName(prefix, suffix)(path), expected)
    })
  }
})

describe('a sequence file', () => {
  const file = (isText: boolean, codec?: 'gzip') =>
    new SequenceFile({ isText, codec, now: () => 9 })
  const head = (isText: boolean, codec?: 'gzip') =>
    Buffer.from(file(isText, codec).begin()).toString('latin1')
  const written = (events: readonly Event[], isText: boolean) =>
    Buffer.concat(file(isText).write(events)).toString('hex')
  const key = (ms: number) => ms.toString(16).padStart(16, '0')

  it('names its classes and its codec', () => {
    // A length of one byte is in front of each name.
    const hadoop = 'org.apache.hadoop.io'
    assert.ok(head(true).startsWith(`SEQ\u0006!${hadoop}.LongWritable\u0019${hadoop}.Text\0\0`))
    assert.ok(head(false).includes(`"${hadoop}.BytesWritable\0\0`))
    assert.ok(head(true, 'gzip').includes(`Text\u0001\u0001'${hadoop}.compress.GzipCodec`))
    assert.equal(head(true).length, 4 + 1 + 33 + 1 + 25 + 2 + 4 + 16)
  })

  /** Headers and body; the key, and the value after its length. */
  const rows: readonly (readonly [
    headers: Readonly<Record<string, string>>,
    isText: boolean,
    key: string,
    value: string,
  ])[] = [
    [{ timestamp: '5' }, true, key(5), '02'],
    [{ timestamp: '5' }, false, key(5), '00000002'],
    // Without a valid time the key is the current one.
    [{}, true, key(9), '02'],
    [{ timestamp: 'x' }, true, key(9), '02'],
  ]
  for (const [headers, isText, expectedKey, sizeOfValue] of rows) {
    it(`has ${JSON.stringify(headers)} as ${isText ? 'Text' : 'BytesWritable'}`, () => {
      const bytes = written([Event.text('ab', headers)], isText)
      const length = (8 + sizeOfValue.length / 2 + 2).toString(16).padStart(8, '0')
      const record = `${length}00000008${expectedKey}${sizeOfValue}6162`
      assert.ok(bytes.startsWith(`${record}ffffffff`), bytes)
      // The marker that ends a batch.
      assert.equal(bytes.length, record.length + 8 + 32)
    })
  }

  it('has sizes above 127 in more bytes', () => {
    for (const [size, prefix] of [
      [127, '7f'],
      [128, '8f80'],
      [255, '8fff'],
      [256, '8e0100'],
      [70_000, '8d011170'],
    ] as const) {
      const bytes = written([Event.text('x'.repeat(size))], true)
      assert.equal(bytes.slice(32, 32 + prefix.length), prefix, `${size}`)
    }
  })

  it('has compressed blocks of sizes, keys and values', () => {
    const events = [Event.text('ab', { timestamp: '1' }), Event.text('c', { timestamp: '2' })]
    const block = Buffer.concat(file(true, 'gzip').write(events))
    assert.equal(block.readInt32BE(0), -1)
    assert.equal(block[20], 2, 'records')
    let at = 21
    const parts = Array.from({ length: 4 }, () => {
      const size = block[at] ?? 0
      const part = gunzipSync(block.subarray(at + 1, at + 1 + size)).toString('hex')
      at += 1 + size
      return part
    })
    assert.deepEqual(parts, ['0808', key(1) + key(2), '0302', '0261620163'])
    assert.equal(at, block.length)
  })
})
