// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Broker } from '@millrace/broker'
import { Admin } from '@millrace/client'
import { SchemaRegistry } from '@millrace/schema-registry'
import { millraceArguments } from '@millrace/testkit'

interface Result {
  readonly code: number
  readonly out: string
  readonly err: string
}

const record = (...fields: readonly object[]): string =>
  JSON.stringify({ type: 'record', name: 'Order', fields })
const id = { name: 'id', type: 'long' }

describe('the schema tools', () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-schemas-'))
  let broker: Broker
  let registry: SchemaRegistry

  before(async () => {
    broker = await Broker.start()
    registry = await SchemaRegistry.start({
      client: { bootstrapServers: broker.address },
      config: { listeners: 'http://127.0.0.1:0' },
    })
  })
  after(async () => {
    await registry.close()
    await broker.close()
    rmSync(directory, { recursive: true, force: true })
  })

  function run(args: readonly string[], input = ''): Promise<Result> {
    return new Promise((resolve) => {
      const child = spawn(process.execPath, millraceArguments(...args), {
        cwd: directory,
        env: {
          ...process.env,
          MILLRACE_BOOTSTRAP: broker.address,
          MILLRACE_REGISTRY: registry.address,
          REGISTRY_STORE_TYPE: 'PEM',
        },
      })
      let [out, err] = ['', '']
      child.stdout.on('data', (data) => {
        out += data
      })
      child.stderr.on('data', (data) => {
        err += data
      })
      child.on('close', (code) => resolve({ code: code ?? -1, out, err }))
      child.stdin.end(input)
    })
  }

  async function ok(...args: readonly string[]): Promise<string> {
    const { code, out, err } = await run(args)
    assert.equal(code, 0, `${args.join(' ')}: ${err}`)
    return out
  }

  function file(name: string, text: string): string {
    writeFileSync(join(directory, name), text)
    return name
  }

  it('register, list, describe, check and delete', async () => {
    const first = file('first.avsc', record(id))
    const note = { name: 'note', type: 'string' }
    const required = file('required.avsc', record(id, note))
    const optional = file('optional.avsc', record(id, { ...note, default: '' }))
    assert.match(
      await ok('schema', 'register', 'a/b', first),
      /^registered a\/b version 1, id \d+\n$/,
    )
    const refused = await run(['schema', 'check', 'a/b', required])
    assert.equal(refused.code, 1)
    assert.match(
      refused.out,
      /^incompatible with a\/b\n {2}\/fields\/1 {2}READER_FIELD_MISSING_DEFAULT_VALUE\n {4}version 1, backward\n {4}rule {4}.*\n {4}remedy {2}/,
    )
    const again = await run(['schema', 'register', 'a/b', required])
    assert.equal(again.code, 1)
    assert.match(again.err, /^millrace: incompatible with a\/b\n {2}\/fields\/1 /)
    assert.equal(await ok('schema', 'check', 'a/b', optional), 'compatible with a/b\n')
    const json: unknown = JSON.parse(
      await ok('schema', 'register', 'a/b', optional, '--normalize', '--json'),
    )
    assert.equal((json as { readonly version: unknown }).version, 2)
    assert.match(await ok('schema', 'list'), /^a\/b +AVRO +2 +2 +\d+$/m)
    assert.match(await ok('schema', 'describe', 'a/b', '1'), /^version +1 of 1, 2$/m)
    assert.equal(await ok('schema', 'describe', 'a/b', '1', '--schema'), `${record(id)}\n`)
    const last = 'deleted a/b version 2\n'
    assert.equal(await ok('schema', 'delete', 'a/b', '--version', 'latest'), last)
    assert.equal(
      await ok('schema', 'undelete', 'a/b', '--version', '2'),
      'restored a/b version 2\n',
    )
    assert.equal(await ok('schema', 'delete', 'a/b'), 'deleted a/b versions 1, 2\n')
    assert.match(await ok('schema', 'list', '--deleted'), /^a\/b +AVRO +2 +2 +\d+ +yes$/m)
    assert.equal(await ok('schema', 'undelete', 'a/b'), 'restored a/b versions 1, 2\n')
    const early = await run(['schema', 'delete', 'a/b', '--permanent'])
    assert.equal(early.code, 1)
    assert.match(early.err, /was not deleted first/)
    assert.equal(
      await ok('schema', 'delete', 'a/b', '--permanent', '--force'),
      'permanently deleted a/b versions 1, 2\n',
    )
    assert.match((await run(['schema', 'describe', 'a/b'])).err, /`millrace schema list` shows/)
  })

  it('register with references, from stdin and with a type', async () => {
    await ok('schema', 'register', 'shared', file('shared.avsc', record(id)))
    const text = JSON.stringify({
      type: 'record',
      name: 'Box',
      fields: [{ name: 'o', type: 'Order' }],
    })
    const args = ['schema', 'register', 'boxes', '-', '--type', 'avro']
    const { code, err } = await run([...args, '--reference', 'Order=shared:latest'], text)
    assert.equal(code, 0, err)
    assert.match(await ok('schema', 'describe', 'boxes'), /^uses +Order = shared:(1|-1)$/m)
    assert.match(await ok('schema', 'describe', 'shared'), /^used by +schemas \d+$/m)
    const types = await ok('schema', 'types', 'boxes')
    assert.match(types, /export interface Box \{\n {2}o: Order\n\}\n\nexport interface Order/)
    await ok('schema', 'types', 'boxes', 'shared', '--out', 'types.ts')
    assert.equal(
      readFileSync(join(directory, 'types.ts'), 'utf8').match(/interface Order/g)?.length,
      1,
    )
  })

  it('compare versions', async () => {
    await ok('schema', 'config', 'compared', '--level', 'NONE')
    await ok('schema', 'register', 'compared', file('v1.avsc', record(id)))
    const changed = record({ ...id, type: 'string' }, { name: 'n', type: 'int', default: 1 })
    await ok('schema', 'register', 'compared', file('v2.avsc', changed))
    assert.equal(
      await ok('schema', 'diff', 'compared', '1', 'latest'),
      [
        '~ id  type: long → string',
        '    backward no  forward no',
        '    backward: TYPE_MISMATCH. Use the type long or a union that contains it, or add a new field with a default instead.',
        '    forward: TYPE_MISMATCH. Keep the type long, or add a new field instead.',
        '+ n  int, default 1',
        '    backward yes  forward yes',
        '',
        'backward  no   version latest cannot read data of version 1',
        'forward   no   version 1 cannot read data of version latest',
        '',
      ].join('\n'),
    )
    assert.match(
      await ok('schema', 'diff', 'compared', '1', '1'),
      /^no differences\n\nbackward {2}yes/,
    )
    const [json] = (await ok('schema', 'diff', 'compared', '1', '2', '--json')).split('\n')
    const { differences } = JSON.parse(json ?? '') as { readonly differences: readonly unknown[] }
    assert.equal(differences.length, 2)
  })

  it('pull and push a folder of schemas', async () => {
    const hostile = '../../a:b'
    await ok('schema', 'register', 'p-customer', file('c.json', '{"type":"object","$id":"c.json"}'))
    const order = { type: 'object', properties: { c: { $ref: 'c.json' } } }
    const args = ['schema', 'register', 'p-order', file('o.json', JSON.stringify(order))]
    await ok(...args, '--reference', 'c.json=p-customer:1')
    await ok('schema', 'register', `p-${hostile}`, file('h.avsc', '"int"'))
    await ok('schema', 'config', 'p-order', '--level', 'FULL')
    const pullAll = ['schema', 'pull', 'folder', '--prefix', 'p-']
    assert.match(await ok(...pullAll), /^p-order +1 +p-order\.json +written$/m)
    const folder = join(directory, 'folder')
    const files = (): string[] => readdirSync(folder).sort()
    const names = ['p-..%2F..%2Fa%3Ab.avsc', 'p-customer.json', 'p-order.json', 'registry.json']
    assert.deepEqual(files(), names)
    assert.deepEqual(JSON.parse(readFileSync(join(folder, 'registry.json'), 'utf8')), {
      subjects: {
        [`p-${hostile}`]: { file: 'p-..%2F..%2Fa%3Ab.avsc' },
        'p-customer': { file: 'p-customer.json' },
        'p-order': {
          file: 'p-order.json',
          references: [{ name: 'c.json', subject: 'p-customer', version: 'latest' }],
          config: { compatibility: 'FULL' },
        },
      },
    })
    const texts = (): string[] => files().map((name) => readFileSync(join(folder, name), 'utf8'))
    const before = texts()
    assert.doesNotMatch(await ok(...pullAll), /written/)
    assert.deepEqual(texts(), before)
    assert.doesNotMatch(await ok('schema', 'push', 'folder', '--dry-run'), /new|incompatible/)

    // A change of both schemas, of which one uses the other, and a new file without an entry.
    const customer = { type: 'object', $id: 'c.json', additionalProperties: false }
    writeFileSync(join(folder, 'p-customer.json'), JSON.stringify(customer))
    const refused = await run(['schema', 'push', 'folder'])
    assert.equal(refused.code, 1)
    assert.match(
      refused.out,
      /^p-customer\.json is incompatible:\n {2}#\/.*\n {4}version 1, backward/m,
    )
    assert.match(refused.err, /nothing was changed/)
    writeFileSync(
      join(folder, 'p-customer.json'),
      JSON.stringify({ ...customer, additionalProperties: true, title: 'C' }),
    )
    writeFileSync(join(folder, 'p-new%2Fone.avsc'), record(id))
    const dry = await ok('schema', 'push', 'folder', '--dry-run')
    assert.match(dry, /^p-customer +p-customer\.json +new version +- +-$/m)
    assert.match(dry, /^p-order +p-order\.json +new version +- +-$/m)
    assert.match(dry, /^p-new\/one +p-new%2Fone\.avsc +new subject +- +-$/m)
    const pushed = await ok('schema', 'push', 'folder')
    assert.match(pushed, /^p-order +p-order\.json +new version +2 +-$/m)
    assert.match(await ok('schema', 'describe', 'p-order'), /^uses +c\.json = p-customer:2$/m)
    assert.doesNotMatch(await ok('schema', 'push', 'folder'), /new (version|subject)/)

    // The same folder into another registry: order, references and settings are the folder's.
    const other = await SchemaRegistry.start({
      client: { bootstrapServers: broker.address },
      config: {
        listeners: 'http://127.0.0.1:0',
        'kafkastore.topic': 'other_schemas',
        'schema.registry.group.id': 'other-registry',
      },
    })
    try {
      const there = ['--registry', other.address]
      await ok('schema', 'push', 'folder', '--dry-run', ...there)
      assert.match(await ok('schema', 'push', 'folder', ...there), /^p-order .* 1 +compatibility$/m)
      assert.match(await ok('schema', 'describe', 'p-order', ...there), /= p-customer:1$/m)
      assert.match(await ok('schema', 'config', 'p-order', ...there), /^compatibility +FULL$/m)
      assert.doesNotMatch(await ok('schema', 'push', 'folder', ...there), /new (version|subject)/)
    } finally {
      await other.close()
    }

    await ok('schema', 'delete', 'p-order')
    assert.match(await ok(...pullAll), /^p-order +- +p-order\.json +kept$/m)
    assert.ok(files().includes('p-order.json'))
    assert.match(await ok(...pullAll, '--prune'), /^p-order +- +p-order\.json +removed$/m)
    assert.ok(!files().includes('p-order.json'))
    assert.doesNotMatch(readFileSync(join(folder, 'registry.json'), 'utf8'), /p-order/)
  })

  it('produce and consume records with schemas', async () => {
    await using admin = new Admin({ bootstrapServers: broker.address })
    await admin.createTopics([{ name: 'typed' }, { name: 'other' }, { name: 'plain' }])
    const fields = [
      { name: 'id', type: 'long' },
      { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
      { name: 'note', type: ['null', 'string'], default: null },
    ]
    file('typed.avsc', JSON.stringify({ type: 'record', name: 'Typed', fields }))
    file('key.json', '{"type":"object","required":["k"]}')
    file('m.proto', 'syntax = "proto3"; message M { uint64 big_number = 1; bytes data = 2; }')
    const input = '{"k":1}|{"id":"9007199254740993","at":"2026-01-02T03:04:05.000Z"}\n{"k":2}|\n'
    const schemas = ['--schema', 'typed.avsc', '--key-schema', 'key.json']
    const sent = await run(['produce', 'typed', ...schemas, '-K', '|', '--null'], input)
    assert.equal(sent.code, 0, sent.err)
    const consume = ['consume', 'typed', '--from', 'beginning', '--exit']
    const value = '{"id":"9007199254740993","at":"2026-01-02T03:04:05.000Z","note":null}'
    assert.equal(await ok(...consume, '-f', '%k %s\\n'), `{"k":1} ${value}\n{"k":2} \n`)
    assert.equal(await ok(...consume, '--grep', 'note'), `${value}\n`)
    const [first] = (await ok(...consume, '--json')).split('\n')
    const { key, value: printed, valueSchema } = JSON.parse(first ?? '') as Record<string, unknown>
    assert.deepEqual([key, printed], [{ k: 1 }, JSON.parse(value)])
    assert.equal(typeof valueSchema, 'number')
    assert.match(await ok(...consume, '--raw'), /^\0\0/)

    // The latest version of a subject; a Protobuf message.
    const more = await run(
      ['produce', 'other', '--schema', 'typed-value'],
      '{"id":1,"at":0,"note":"x"}',
    )
    assert.equal(more.code, 0, more.err)
    const message = await run(
      ['produce', 'other', '--schema', 'm.proto'],
      '{"big_number":"7","data":"AP8="}',
    )
    assert.equal(message.code, 0, message.err)
    assert.equal(
      await ok('consume', 'other', '--from', 'beginning', '--exit'),
      '{"id":1,"at":"1970-01-01T00:00:00.000Z","note":"x"}\n{"bigNumber":7,"data":"AP8="}\n',
    )

    const refused: readonly (readonly [input: string, message: RegExp])[] = [
      ['{"id":1}', /^millrace: record 1: the value at is missing$/m],
      ['{"id":1,"at":0}\n{', /^millrace: record 2: the value Expected property name/m],
      ['{"id":true,"at":0}', /record 1: the value id is true; expected an integer/],
    ]
    for (const [text, reason] of refused) {
      const { code, err } = await run(['produce', 'typed', '--schema', 'typed-value'], text)
      assert.equal(code, 1)
      assert.match(err, reason)
    }
    assert.match((await run(['produce', 'typed', '--schema', 'nowhere'], '{}')).err, /not found/)
    assert.match(
      (await run(['produce', 'typed', '-r', 'x:1'], '{}')).err,
      /--registry needs --schema/,
    )

    // Bytes that only look like ids, and no registry: bytes and one warning.
    const bytes = '\0\0\0\x7f\x01abc'
    const plain = await run(['produce', 'plain'], `${bytes}\n${bytes}\ntext\n`)
    assert.equal(plain.code, 0, plain.err)
    const all = ['consume', 'plain', '--from', 'beginning', '--exit']
    for (const [more, warning] of [
      [[], /^millrace: schema 32513 of values of plain: .*not found.*; printed as bytes$/gm],
      [['-r', '127.0.0.1:1'], /^millrace: records have schema ids, but no registry answers/gm],
    ] as const) {
      const { code, out, err } = await run([...all, ...more])
      assert.equal(code, 0)
      assert.equal(out, `${bytes}\n${bytes}\ntext\n`)
      assert.equal(err.match(warning)?.length, 1, err)
    }
  })

  it('explain the verdict of a registry that states no reasons as ours does', async () => {
    await ok('schema', 'register', 'foreign', file('f.avsc', record(id)))
    const note = { name: 'note', type: 'string' }
    file('g.avsc', record(id, note))
    // Passes requests on, and leaves out what other registries do not have.
    const proxy = createServer(async (request, response) => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk as Buffer)
      const { method = 'GET', url = '/' } = request
      const reply = await fetch(`${registry.address}${url.replace('&why=true', '')}`, {
        method,
        headers: { 'content-type': 'application/json' },
        ...(method === 'POST' ? { body: Buffer.concat(chunks) } : {}),
      })
      response.writeHead(reply.status).end(await reply.text())
    })
    await once(proxy.listen(0, '127.0.0.1'), 'listening')
    try {
      const there = `127.0.0.1:${(proxy.address() as AddressInfo).port}`
      for (const more of [[], ['--version', '1'], ['--version', 'latest']]) {
        const args = ['schema', 'check', 'foreign', 'g.avsc', ...more]
        const ours = await run(args)
        assert.equal(ours.code, 1)
        assert.match(ours.out, /^ {4}remedy {2}./m)
        assert.deepEqual(await run([...args, '--registry', there]), ours)
      }
    } finally {
      proxy.close()
      proxy.closeAllConnections()
    }
  })

  it('use TLS, client certificates, users and tokens', async () => {
    const material = join(import.meta.dirname, '../../../../test/testdata/tls')
    const read = (name: string): string => readFileSync(join(material, name), 'utf8')
    file('server-keys.pem', `${read('server.key')}${read('server.pem')}`)
    file('client-keys.pem', `${read('client.key')}${read('client.pem')}`)
    file('users', 'ann=secret\n')
    const secure = await SchemaRegistry.start({
      client: { bootstrapServers: broker.address },
      config: {
        listeners: 'https://127.0.0.1:0',
        'kafkastore.topic': 'secure_schemas',
        'ssl.keystore.location': join(directory, 'server-keys.pem'),
        'ssl.truststore.location': join(material, 'ca.pem'),
        'ssl.client.authentication': 'required',
        'authentication.method': 'BASIC',
        'authentication.users.file': join(directory, 'users'),
      },
    })
    try {
      const { address } = secure
      const pem = (name: string): string => join(material, name)
      const keys = [
        '--cacert',
        pem('ca.pem'),
        '--cert',
        pem('client.pem'),
        '--key',
        pem('client.key'),
      ]
      const list = ['schema', 'list', '--registry', address]
      await ok(...list, ...keys, '--user', 'ann:secret')
      assert.match(
        (await run([...list, ...keys, '--user', 'ann:x'])).err,
        /: 401 .*\n {2}check --user/,
      )
      assert.equal((await run([...list, '--user', 'ann:secret'])).code, 1)
      file(
        'secure.properties',
        [
          `schema.registry.url=${address}`,
          'basic.auth.credentials.source=USER_INFO',
          'basic.auth.user.info=ann:secret',
          'config.providers=env',
          'config.providers.env.class=org.apache.kafka.common.config.provider.EnvVarConfigProvider',
          `schema.registry.ssl.keystore.type=${'$'}{env:REGISTRY_STORE_TYPE}`,
          'schema.registry.ssl.truststore.type=PEM',
          `schema.registry.ssl.truststore.location=${pem('ca.pem')}`,
          `schema.registry.ssl.keystore.location=${join(directory, 'client-keys.pem')}`,
        ].join('\n'),
      )
      const listed = await run(['schema', 'list', '--config', 'secure.properties'])
      assert.equal(listed.code, 0, listed.err)
      if (process.platform !== 'win32') {
        assert.match(listed.err, /secure\.properties contains secrets \(basic\.auth\.user\.info\)/)
      }
    } finally {
      await secure.close()
    }
    file('tokens', 'abc123\n')
    const guarded = await SchemaRegistry.start({
      client: { bootstrapServers: broker.address },
      config: {
        listeners: 'http://127.0.0.1:0',
        'authentication.method': 'BEARER',
        'authentication.tokens.file': join(directory, 'tokens'),
      },
    })
    try {
      const list = ['schema', 'list', '--registry', guarded.address]
      await ok(...list, '--token-file', 'tokens')
      assert.match((await run(list)).err, /: 401 /)
    } finally {
      await guarded.close()
    }
  })

  it('show and change settings', async () => {
    await ok('schema', 'config', 'settings', '--level', 'full', '--set', 'normalize=true')
    const settings = await ok('schema', 'config', 'settings')
    assert.match(settings, /^compatibility +FULL$/m)
    assert.match(settings, /^normalize +true$/m)
    await ok('schema', 'config', 'settings', '--delete')
    assert.match(await ok('schema', 'config', 'settings'), /^compatibility +BACKWARD$/m)
    assert.match(await ok('schema', 'config', '--all'), /^\(global\) +BACKWARD/m)
    assert.equal(
      await ok('schema', 'mode', 'settings', '--set', 'readonly'),
      'settings is now READONLY\n',
    )
    const refused = await run(['schema', 'register', 'settings', file('x.avsc', record(id))])
    assert.match(refused.err, /read-only mode/)
    await ok('schema', 'mode', 'settings', '--delete')
    assert.equal(await ok('schema', 'mode', 'settings'), 'READWRITE\n')
  })

  it('report mistakes of the command line and of the connection', async () => {
    file('empty.avsc', '\n')
    file('schema.txt', '{}')
    file('client.properties', 'schema.registry.url=http://127.0.0.1:1\nschema.registry.usl=x\n')
    file('token', 'a b')
    const cases: readonly (readonly [readonly string[], RegExp])[] = [
      [['register', 's', 'empty.avsc'], /empty\.avsc is empty/],
      [['register', 's', 'none.avsc'], /cannot read none\.avsc: ENOENT/],
      [['register', 's', 'schema.txt'], /the format of schema\.txt is unknown: use --type/],
      [['register', 's', 'x.json', '--type', 'xml'], /invalid --type xml: expected avro, json/],
      [['register', 's', 'x.json', '--reference', 'a'], /invalid --reference a: expected NAME=/],
      [['list', '--registry', 'ftp://x'], /invalid registry ftp:\/\/x: expected http:/],
      [['list', '--registry', '127.0.0.1:1'], /ECONNREFUSED.*\n {2}is a registry running there\?/],
      [['list', '--config', 'client.properties'], /schema\.registry\.usl is ignored; did you mean/],
      [
        ['list', '--token-file', 'token'],
        /invalid --token-file token: expected a token on one line/,
      ],
      [['list', '--user', 'me'], /invalid --user: expected NAME:PASSWORD/],
      [['list', '--cert', 'token'], /--cert and --key need each other/],
      [['describe', 's', '0'], /invalid VERSION 0: expected a whole number from 1, or latest/],
      [['mode', '--set', 'OFF'], /invalid --set OFF: expected READWRITE/],
      [['delete', 's', '--force'], /--force needs --permanent/],
    ]
    for (const [args, message] of cases) {
      const { code, err } = await run(['schema', ...args])
      assert.notEqual(code, 0, args.join(' '))
      assert.match(err, message, args.join(' '))
    }
  })
})
