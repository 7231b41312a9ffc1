// SPDX-License-Identifier: Apache-2.0
// Apache Flume 1.11 and our agents run the same files with the same results, and each works as the
// next hop of the other.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseProperties } from '@millrace/base'
import { seededRandom } from '@millrace/testkit'
import avsc from 'avsc'
import {
  fileRoll,
  filesOf,
  netcat,
  netcatOnly,
  outputOf,
  type Place,
  placeFor,
  root,
  run,
  send,
  settled,
  type Which,
} from './flume-agents.ts'
import { execute, libraries, peersDirectory } from './peers.ts'

/** Runs one file in both with the same input, and compares the output. */
function same(
  title: string,
  configuration: string,
  feed: (place: Place) => Promise<string> | Promise<void>,
  prepare: (place: Place) => void = () => {},
): void {
  it(title, async () => {
    const results: Record<Which, { readonly answer: string; readonly output: string }> = {} as never
    for (const which of ['flume', 'millrace'] as const) {
      const place = await placeFor(which)
      prepare(place)
      const agent = await run(place, configuration)
      try {
        const answer = (await feed(place)) ?? ''
        results[which] = { answer, output: await settled(() => outputOf(place)) }
      } finally {
        await agent.stop()
      }
    }
    assert.notEqual(results.flume.output, '', 'Flume wrote something')
    assert.deepEqual(results.millrace, results.flume)
  })
}

describe('the same file in both agents', () => {
  same('netcat: lines, replies, a line that is too long', netcat, async ({ port }) => {
    const first = await send(port, 'one\ntwo\n\nth', 'ree\nünïcödé €\n')
    return first + (await send(port, `before\n${'x'.repeat(600)}\nafter\n`))
  })

  same(
    'a chain of interceptors',
    `${netcat}
a1.sources.r1.interceptors = i1 i2 i3 i4 i5 i6
a1.sources.r1.interceptors.i1.type = static
a1.sources.r1.interceptors.i1.key = datacenter
a1.sources.r1.interceptors.i1.value = NEW YORK
a1.sources.r1.interceptors.i2.type = regex_extractor
a1.sources.r1.interceptors.i2.regex = (\\\\d+):(\\\\w+)
a1.sources.r1.interceptors.i2.serializers = s1 s2
a1.sources.r1.interceptors.i2.serializers.s1.name = count
a1.sources.r1.interceptors.i2.serializers.s2.name = word
a1.sources.r1.interceptors.i3.type = search_replace
a1.sources.r1.interceptors.i3.searchPattern = ([a-z]+)@([a-z.]+)
a1.sources.r1.interceptors.i3.replaceString = $2 at $1
a1.sources.r1.interceptors.i4.type = regex_filter
a1.sources.r1.interceptors.i4.regex = ^DEBUG
a1.sources.r1.interceptors.i4.excludeEvents = true
a1.sources.r1.interceptors.i5.type = static
a1.sources.r1.interceptors.i5.key = gone
a1.sources.r1.interceptors.i6.type = remove_header
a1.sources.r1.interceptors.i6.withName = gone
`,
    async ({ port }) =>
      void (await send(
        port,
        'INFO 12:ab me@example.org\nDEBUG 1:x\nnothing\n34:CD 56:EF a@b c@d\n',
      )),
  )

  same(
    'a multiplexing selector',
    `${netcat}
a1.channels = c1 c2
a1.channels.c2.type = memory
a1.sinks = k1 k2
a1.sinks.k2.type = file_roll
a1.sinks.k2.channel = c2
a1.sinks.k2.sink.directory = DIR/out/second
a1.sinks.k2.sink.rollInterval = 0
a1.sources.r1.channels = c1 c2
a1.sources.r1.interceptors = i1
a1.sources.r1.interceptors.i1.type = regex_extractor
a1.sources.r1.interceptors.i1.regex = ^(\\\\w+)
a1.sources.r1.interceptors.i1.serializers = s1
a1.sources.r1.interceptors.i1.serializers.s1.name = level
a1.sources.r1.selector.type = multiplexing
a1.sources.r1.selector.header = level
a1.sources.r1.selector.mapping.INFO = c1
a1.sources.r1.selector.mapping.WARN = c1 c2
a1.sources.r1.selector.default = c2
`,
    async (place) => {
      await send(place.port, 'INFO a\nWARN b\nERROR c\n')
      return settled(() =>
        filesOf(join(place.directory, 'out/second'))
          .map((path) => readFileSync(path, 'utf8'))
          .join(''),
      )
    },
    ({ directory }) => mkdirSync(join(directory, 'out/second')),
  )

  const messages = [
    '<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - BOM su root failed',
    '<165>1 2003-08-24T05:14:15Z 192.0.2.1 myproc 8710 - - %% It is time',
    '<34>1 - - su - - - no host and no time',
    '<13>1 2026-01-01T00:00:00Z host plain',
    '<0>2026-01-01T00:00:00Z host without version',
    'no priority at all',
    '<abc>not a number',
    '<1234>too many digits',
    '<>empty',
    '<191>',
    '<13>unparsable rest',
    '<13>1 2026-01-01T00:00:00Z host ',
    `<13>1 2026-01-01T00:00:00Z host ${'y'.repeat(3000)}`,
    '<13>1 2026-01-01T00:00:00Z host after the long one',
  ]
  const syslog = (type: string, more = ''): string => `${fileRoll}
a1.sources.r1.type = ${type}
a1.sources.r1.host = 127.0.0.1
${more}`
  same('syslog over TCP', syslog('syslogtcp', 'a1.sources.r1.port = PORT\n'), async ({ port }) => {
    for (const message of messages.filter(
      (each) => !/^<13>unparsable|^<191>$|^no prio|^<abc|^<1234|^<>/.test(each),
    )) {
      await send(port, `${message}\n`)
    }
  })
  same(
    'syslog over TCP with invalid messages',
    syslog('syslogtcp', 'a1.sources.r1.port = PORT\n'),
    async ({ port }) => {
      // Flume keeps a header of an earlier message for one without it, so each has a separate
      // connection here.
      for (const message of messages.filter((each) =>
        /^<13>unparsable|^<191>$|^no prio|^<abc|^<1234|^<>/.test(each),
      )) {
        await send(port, `${message}\n`)
      }
    },
  )
  for (const keep of ['all', 'priority version timestamp hostname', 'hostname']) {
    same(
      `syslog over TCP that keeps ${keep}`,
      syslog('syslogtcp', `a1.sources.r1.port = PORT\na1.sources.r1.keepFields = ${keep}\n`),
      async ({ port }) => void (await send(port, `${messages[0]}\n${messages[1]}\n`)),
    )
  }
  same(
    'syslog over several ports',
    syslog('multiport_syslogtcp', 'a1.sources.r1.ports = PORT\na1.sources.r1.portHeader = port\n'),
    async ({ port, directory }) => {
      for (const message of messages.filter((each) => !each.includes(' - - ')))
        await send(port, `${message}\n`)
      // Each agent uses a different port.
      await settled(() => outputOf({ which: 'flume', directory, port }))
      for (const path of filesOf(join(directory, 'out'))) {
        writeFileSync(path, readFileSync(path, 'utf8').replaceAll(String(port), 'PORT'))
      }
    },
  )

  same(
    'HTTP: JSON and invalid JSON',
    `${fileRoll}
a1.sources.r1.type = http
a1.sources.r1.bind = 127.0.0.1
a1.sources.r1.port = PORT
`,
    async ({ port }) => {
      const bodies = [
        '[{"headers": {"a": "1", "b": "x y"}, "body": "first"}, {"headers": {}, "body": "second ü"}]',
        '[{"body": "no headers"}]',
        '[]',
        '{"not": "a list"}',
        'no JSON',
        '[{"headers": {"n": 5, "t": true}, "body": "numbers"}]',
      ]
      const statuses: number[] = []
      await send(port, '')
      for (const body of bodies) {
        const response = await fetch(`http://127.0.0.1:${port}`, { method: 'POST', body })
        statuses.push(response.status)
        await response.arrayBuffer()
      }
      return statuses.join(' ')
    },
  )

  same(
    'a spool directory',
    `${fileRoll}
a1.sources.r1.type = spooldir
a1.sources.r1.spoolDir = DIR/spool
a1.sources.r1.fileHeader = true
a1.sources.r1.basenameHeader = true
a1.sources.r1.deserializer.maxLineLength = 20
`,
    async ({ directory }) => {
      const lines = `short\n${'0123456789'.repeat(5)}\n\nüüüüüüüüüüüüüüüüüüüüüüüüü\nno line break`
      writeFileSync(join(directory, 'one.log'), lines)
      ;(await import('node:fs')).renameSync(
        join(directory, 'one.log'),
        join(directory, 'spool/one.log'),
      )
      await settled(() => outputOf({ which: 'flume', directory, port: 0 }))
      return filesOf(join(directory, 'spool'))
        .map((path) => path.replace(directory, ''))
        .join(' ')
    },
    ({ directory }) => mkdirSync(join(directory, 'spool')),
  )

  same(
    'tailed files',
    `${fileRoll}
a1.sources.r1.type = TAILDIR
a1.sources.r1.positionFile = DIR/position.json
a1.sources.r1.filegroups = f1 f2
a1.sources.r1.filegroups.f1 = DIR/logs/a.log
a1.sources.r1.filegroups.f2 = DIR/logs/.*\\\\.txt
a1.sources.r1.headers.f1.kind = one
a1.sources.r1.headers.f2.kind = many
a1.sources.r1.fileHeader = true
a1.sources.r1.byteOffsetHeader = true
`,
    async ({ directory, which }) => {
      const log = join(directory, 'logs/a.log')
      appendFileSync(log, 'l1\r\nl2\n')
      await settled(() => outputOf({ which: 'flume', directory, port: 0 }))
      appendFileSync(log, 'l3 in ')
      await sleep(500)
      appendFileSync(log, 'two parts\n')
      await sleep(6000)
      writeFileSync(join(directory, 'logs/b.txt'), 'from b\n')
      // Flume checks every five seconds while the file does not grow.
      await sleep(which === 'flume' ? 9000 : 500)
    },
    ({ directory }) => mkdirSync(join(directory, 'logs')),
  )

  same(
    'output of a command',
    `${fileRoll}
a1.sources.r1.type = exec
a1.sources.r1.shell = /bin/bash -c
a1.sources.r1.command = for i in 1 2 3; do echo "line $i"; done; printf 'last'
`,
    async () => {},
  )
})

it('an Avro container file has the same contents', async () => {
  const read = async (place: Place): Promise<unknown[]> => {
    const agent = await run(place, netcat.replace('HEADER_AND_TEXT', 'AVRO_EVENT'))
    await send(place.port, 'one\ntwo\n')
    if (place.which === 'flume') await sleep(4000)
    else await sleep(500)
    await agent.stop()
    const events: unknown[] = []
    for (const path of filesOf(join(place.directory, 'out'))) {
      for await (const event of avsc.createFileDecoder(path)) events.push(event)
    }
    return JSON.parse(JSON.stringify(events)) as unknown[]
  }
  const theirs = await read(await placeFor('flume'))
  assert.equal(theirs.length, 2)
  assert.deepEqual(await read(await placeFor('millrace')), theirs)
})

describe('a hop between Flume and millrace', () => {
  const receiving = (type: string, more = ''): string => `${fileRoll}
a1.sources.r1.type = ${type}
a1.sources.r1.bind = 127.0.0.1
a1.sources.r1.port = PORT
${more}`
  const sending = (type: string, port: number, more = ''): string => `${netcatOnly()}
a1.sinks.k1.type = ${type}
a1.sinks.k1.hostname = 127.0.0.1
a1.sinks.k1.port = ${port}
a1.sources.r1.interceptors = i1
a1.sources.r1.interceptors.i1.type = static
a1.sources.r1.interceptors.i1.key = fr\\u00e5n
a1.sources.r1.interceptors.i1.value = \\u00e4 value \\u20ac
${more}`

  const kinds: readonly [string, string, string, string][] = [
    ['avro', 'avro', '', ''],
    [
      'avro, deflate',
      'avro',
      'a1.sources.r1.compression-type = deflate\n',
      'a1.sinks.k1.compression-type = deflate\n',
    ],
    [
      'avro, TLS',
      'avro',
      'a1.sources.r1.ssl = true\na1.sources.r1.keystore = STORE\na1.sources.r1.keystore-password = changeit\n',
      'a1.sinks.k1.ssl = true\na1.sinks.k1.trust-all-certs = true\n',
    ],
    ['thrift', 'thrift', '', ''],
    [
      'thrift, binary',
      'thrift',
      'a1.sources.r1.protocol = binary\n',
      'a1.sinks.k1.protocol = binary\n',
    ],
  ]
  for (const [title, type, sourceMore, sinkMore] of kinds) {
    for (const [from, to] of [
      ['flume', 'millrace'],
      ['millrace', 'flume'],
    ] as const) {
      it(`${title}: from ${from} to ${to}`, async () => {
        const store = join(root, 'keystore.jks')
        if (sourceMore.includes('STORE')) await makeKeystore(store)
        const target = await placeFor(to)
        const origin = await placeFor(from)
        const receiver = await run(target, receiving(type, sourceMore.replace('STORE', store)))
        const sender = await run(origin, sending(type, target.port, sinkMore))
        try {
          const lines = Array.from({ length: 500 }, (_, index) => `line ${index}`)
          await send(origin.port, `${lines.join('\n')}\n`)
          const output = await settled(() => outputOf(target))
          const expected = lines.map((line) => `{från=ä value €} ${line}\n`).join('')
          assert.ok(
            output === expected,
            `got ${output.slice(0, 300)}; ${from} said ${sender.log()}; ${to} said ${receiver.log()}`,
          )
        } finally {
          await sender.stop()
          await receiver.stop()
        }
      })
    }
  }

  it('the Avro client of Flume sends a file', async () => {
    const target = await placeFor('millrace')
    const receiver = await run(target, receiving('avro'))
    const file = join(target.directory, 'lines')
    writeFileSync(file, 'a\nb\nc\n')
    const { code, stderr } = await execute('java', [
      '-cp',
      libraries('flume-1.11.0'),
      'org.apache.flume.client.avro.AvroCLIClient',
      '-H',
      '127.0.0.1',
      '-p',
      String(target.port),
      '-F',
      file,
    ])
    assert.equal(code, 0, stderr)
    assert.equal(await settled(() => outputOf(target)), '{} a\n{} b\n{} c\n')
    await receiver.stop()
  })
})

async function makeKeystore(path: string): Promise<void> {
  rmSync(path, { force: true })
  const { code, stdout } = await execute('keytool', [
    '-genkeypair',
    '-alias',
    'agent',
    '-keyalg',
    'RSA',
    '-storetype',
    'JKS',
    '-keystore',
    path,
    '-storepass',
    'changeit',
    '-keypass',
    'changeit',
    '-dname',
    'CN=localhost',
    '-validity',
    '100',
  ])
  assert.equal(code, 0, stdout)
}

it('an encrypted channel reads keys created by keytool', async () => {
  const place = await placeFor('millrace')
  const store = join(place.directory, 'keys.jceks')
  for (const alias of ['Key-0', 'key-1']) {
    const { code, stdout, stderr } = await execute('keytool', [
      '-genseckey',
      '-alias',
      alias,
      '-keyalg',
      'AES',
      '-keysize',
      alias === 'key-1' ? '256' : '128',
      '-storetype',
      'JCEKS',
      '-keystore',
      store,
      '-storepass',
      'changeit',
      '-keypass',
      'otherone',
    ])
    assert.equal(code, 0, stdout + stderr)
  }
  writeFileSync(join(place.directory, 'store.password'), 'changeit\n')
  writeFileSync(join(place.directory, 'key.password'), 'otherone\n')
  const configuration = (active: string): string => `${netcat}
a1.channels.c1.type = file
a1.channels.c1.dataDirs = DIR/data
a1.channels.c1.checkpointDir = DIR/checkpoint
a1.channels.c1.minimumRequiredSpace = 0
a1.channels.c1.transactionCapacity = 100
a1.channels.c1.encryption.activeKey = ${active}
a1.channels.c1.encryption.cipherProvider = AESCTRNOPADDING
a1.channels.c1.encryption.keyProvider = JCEKSFILE
a1.channels.c1.encryption.keyProvider.keyStoreFile = DIR/keys.jceks
a1.channels.c1.encryption.keyProvider.keyStorePasswordFile = DIR/store.password
a1.channels.c1.encryption.keyProvider.keys = Key-0 key-1
a1.channels.c1.encryption.keyProvider.keys.Key-0.passwordFile = DIR/key.password
a1.channels.c1.encryption.keyProvider.keys.key-1.passwordFile = DIR/key.password
`
  // Without a sink the events stay in the log, written with one key; then another is active.
  const withoutSink = configuration('Key-0').replace(/a1\.sinks[^\n]*\n/g, '')
  const first = await run(place, withoutSink)
  await send(place.port, 'secret words\n')
  await first.stop()
  for (const path of filesOf(join(place.directory, 'data'))) {
    assert.ok(!readFileSync(path).includes('secret words'), path)
  }
  const second = await run(place, configuration('key-1'))
  await send(place.port, 'more of them\n')
  assert.equal(await settled(() => outputOf(place)), '{} secret words\n{} more of them\n')
  await second.stop()
})

it("each continues from the other's position file", async () => {
  const place = await placeFor('flume')
  mkdirSync(join(place.directory, 'logs'))
  const configuration = `${fileRoll}
a1.sources.r1.type = TAILDIR
a1.sources.r1.positionFile = DIR/position.json
a1.sources.r1.filegroups = f1
a1.sources.r1.filegroups.f1 = DIR/logs/a.log
`
  const log = join(place.directory, 'logs/a.log')
  const seen: string[] = []
  for (const [index, which] of (['flume', 'millrace', 'flume'] as const).entries()) {
    const agent = await run({ ...place, which }, configuration)
    appendFileSync(log, `line ${index}\n`)
    seen.push(await settled(() => outputOf(place)))
    await sleep(which === 'flume' ? 3500 : 0)
    await agent.stop()
    for (const path of filesOf(join(place.directory, 'out'))) rmSync(path)
  }
  assert.deepEqual(seen, ['{} line 0\n', '{} line 1\n', '{} line 2\n'])
})

it('reads properties files as Java does', async () => {
  const random = seededRandom(11)
  const pieces = [
    'a',
    'key',
    '=',
    ':',
    ' ',
    '\t',
    '\\',
    '\\\n',
    '\n',
    '\r\n',
    '#',
    '!',
    '\\u00e9',
    '\\t',
    'ü',
    '=b',
    '\\=',
    '\\ ',
    '\f',
  ]
  const texts = Array.from({ length: 3000 }, () =>
    Array.from(
      { length: 1 + random.integer(25) },
      () => pieces[random.integer(pieces.length)],
    ).join(''),
  )
  const child = spawn('java', [
    '-cp',
    `${join(peersDirectory, 'flume-classes')}`,
    'PropertiesReader',
  ])
  const chunks: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  for (const text of texts) {
    const bytes = Buffer.from(text)
    const size = Buffer.alloc(4)
    size.writeInt32BE(bytes.length)
    child.stdin.write(Buffer.concat([size, bytes]))
  }
  child.stdin.end()
  await new Promise((resolve) => child.on('close', resolve))
  const all = Buffer.concat(chunks)
  let at = 0
  const int = (): number => {
    at += 4
    return all.readInt32BE(at - 4)
  }
  let differences = 0
  for (const text of texts) {
    const expected: string[] = []
    for (let left = int(); left > 0; left--) {
      const size = int()
      expected.push(all.toString('utf8', at, at + size))
      at += size
    }
    const ours = [...parseProperties(text)].sort(([a], [b]) => (a < b ? -1 : 1)).flat()
    if (JSON.stringify(ours) !== JSON.stringify(expected)) {
      differences++
      if (differences < 4) process.stderr.write(`${JSON.stringify({ text, ours, expected })}\n`)
    }
  }
  assert.equal(differences, 0)
})
