// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Broker } from '@millrace/broker'
import { Producer, ShareConsumer } from '@millrace/client'
import { freePort, millraceArguments } from '@millrace/testkit'
import { commands as millrace } from './index.ts'

interface Result {
  readonly code: number
  readonly out: string
  readonly err: string
}

describe('the tools', () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-tools-'))
  let broker: Broker

  before(async () => {
    broker = await Broker.start({
      dataDirectory: join(directory, 'data'),
      config: {
        'group.initial.rebalance.delay.ms': '0',
        'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
        'super.users': 'User:ANONYMOUS',
      },
    })
  })
  after(async () => {
    await broker.close()
    rmSync(directory, { recursive: true, force: true })
  })

  function run(args: readonly string[], input: string | Buffer = ''): Promise<Result> {
    return new Promise((resolve) => {
      const child = spawn(process.execPath, millraceArguments(...args), {
        env: { ...process.env, MILLRACE_BOOTSTRAP: broker.address },
      })
      const out: Buffer[] = []
      let err = ''
      child.stdout.on('data', (data: Buffer) => out.push(data))
      child.stderr.on('data', (data) => {
        err += data
      })
      child.on('close', (code) =>
        resolve({ code: code ?? -1, out: Buffer.concat(out).toString('latin1'), err }),
      )
      child.stdin.end(input)
    })
  }

  async function ok(args: readonly string[], input: string | Buffer = ''): Promise<string> {
    const { code, out, err } = await run(args, input)
    assert.equal(code, 0, `${args.join(' ')}: ${err}`)
    return out
  }

  const json = (text: string): unknown[] =>
    text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))

  it('adds, lists and deletes ACLs', async () => {
    const add = ['acl', 'add', '--allow', 'User:alice', '--operation', 'read', '--operation']
    await ok([...add, 'describe-configs', '--topic', 'acl-*'])
    await ok([
      'acl',
      'add',
      '--deny',
      'User:bob',
      '--operation',
      'all',
      '--cluster',
      '--host',
      '10.0.0.1',
    ])
    const rest = { principal: 'User:alice', host: '*', permission: 'allow' }
    assert.deepEqual(json(await ok(['acl', 'list', '--json', '--principal', 'User:alice'])), [
      { ...rest, operation: 'read', resource: 'topic:acl-*' },
      { ...rest, operation: 'describeConfigs', resource: 'topic:acl-*' },
    ])
    const wrong = await run([
      'acl',
      'add',
      '--allow',
      'alice',
      '--operation',
      'read',
      '--topic',
      't',
    ])
    assert.equal(wrong.code, 1)
    assert.match(wrong.err, /Could not parse principal/)
    assert.match((await run(['acl', 'delete'])).err, /expected a filter/)
    const deleted = json(await ok(['acl', 'delete', '--json', '--cluster']))
    assert.deepEqual(deleted, [
      {
        permission: 'deny',
        principal: 'User:bob',
        host: '10.0.0.1',
        operation: 'all',
        resource: 'cluster:kafka-cluster',
      },
    ])
    assert.equal(json(await ok(['acl', 'delete', '--json', '--all'])).length, 2)
  })

  it('sets, lists and deletes quotas', async () => {
    await ok(['quota', 'set', '--user', 'alice', '--client-default', 'producer_byte_rate=1e9'])
    await ok(['quota', 'set', '--ip', '10.0.0.7', 'connection_creation_rate=20'])
    assert.deepEqual(json(await ok(['quota', 'list', '--json'])), [
      { entity: 'user=alice,client-id=<default>', key: 'producer_byte_rate', value: 1e9 },
      { entity: 'ip=10.0.0.7', key: 'connection_creation_rate', value: 20 },
    ])
    const wrong = await run(['quota', 'set', '--user', 'alice', 'nosuch=1'])
    assert.match(wrong.err, /Invalid configuration key nosuch/)
    await ok(['quota', 'delete', '--ip', '10.0.0.7', 'connection_creation_rate'])
    const both = ['--user', 'alice', '--client-default']
    await ok(['quota', 'delete', ...both, 'producer_byte_rate'])
    assert.equal((await ok(['quota', 'list', '--json'])).trim(), '')
  })

  it('create, list, describe, alter and delete topics', async () => {
    assert.equal(
      await ok(['topic', 'create', 'a', '--partitions', '2']),
      'created a with 2 partitions\n',
    )
    assert.equal(await ok(['topic', 'create', 'a', '--if-not-exists']), 'a already exists\n')
    assert.match(await ok(['topic', 'list']), /^a$/m)
    await ok(['topic', 'alter', 'a', '--partitions', '3', '--topic', 'retention.ms=5000'])
    assert.match(await ok(['topic', 'describe', 'a']), /^a {2}id .* retention.ms=5000\nPARTITION/)
    const [described] = json(await ok(['topic', 'describe', 'a', '--json'])) as {
      partitions: unknown[]
    }[]
    assert.equal(described?.partitions.length, 3)
    assert.match(
      await ok(['config', 'describe', 'topic', 'a']),
      /retention.ms +5000 +DYNAMIC_TOPIC_CONFIG/,
    )
    await ok([
      'config',
      'alter',
      'topic',
      'a',
      '--delete',
      'retention.ms',
      '--put',
      'cleanup.policy=compact',
    ])
    assert.doesNotMatch(await ok(['config', 'describe', 'topic', 'a']), /retention.ms/)
    assert.equal(await ok(['topic', 'delete', 'a']), 'deleted a\n')
  })

  it('pass any bytes through, line by line', async () => {
    await ok(['topic', 'create', 'lines', '-p', '1'])
    const lines = Buffer.from(
      Array.from({ length: 5000 }, (_, i) => `${i}\xff\x00é\r${'x'.repeat(i % 300)}`).join('\n'),
      'latin1',
    )
    await ok(['produce', 'lines', '--compression', 'zstd'], lines)
    const out = await ok(['consume', 'lines', '--from', 'beginning', '--exit'])
    assert.equal(out, `${lines.toString('latin1')}\n`)
    assert.equal((await ok(['consume', 'lines', '-o', '-3', '-e'])).split('\n').length, 4)
    assert.match(await ok(['consume', 'lines', '-o', '10', '-c', '1']), /^10\xff/)
    assert.match(
      await ok(['consume', 'lines', '-o', 'beginning', '-e', '--grep', '^4999']),
      /^4999[^\n]*\n$/,
    )
    assert.match(await ok(['topic', 'offsets', 'lines']), /lines +0 +0 +5000 +5000/)
    const past = await run(['consume', 'lines', '-o', '9999', '-e'])
    assert.equal(past.code, 0)
    assert.match(past.err, /offset 9999 is past the end of lines-0: reading from offset 5000/)
  })

  it('accept escapes in the key separator', async () => {
    await ok(['topic', 'create', 'tabs', '-p', '1'])
    await ok(['produce', 'tabs', '-K', '\\t'], 'a\t1\nb\t2\n')
    await ok(['produce', 'tabs', '-K', '\\x3a'], 'c:3\n')
    const out = await ok(['consume', 'tabs', '--from', 'beginning', '-e', '--format', '%k=%s '])
    assert.equal(out, 'a=1 b=2 c=3 ')
  })

  it('fail within seconds, with the cause, if no broker can be reached', async () => {
    const port = await freePort()
    const nowhere = ['--bootstrap', `127.0.0.1:${port}`]
    const commands = [
      ['topic', 'list'],
      ['topic', 'describe', 't'],
      ['topic', 'create', 't'],
      ['group', 'list'],
      ['group', 'describe', 'g'],
      ['config', 'describe', 'topic', 't'],
      ['consume', 't'],
      ['produce', 't'],
    ]
    const results = await Promise.all(commands.map((each) => run([...each, ...nowhere], 'x\n')))
    for (const [i, { code, out, err }] of results.entries()) {
      const command = commands[i] ?? []
      const [notice = '', first = '', hint = '', ...rest] = err.trim().split('\n')
      assert.match(notice, /connect ECONNREFUSED; retrying for 1\.5 s$/)
      assert.equal(code, 1, command.join(' '))
      assert.equal(out, '')
      assert.match(
        first,
        new RegExp(`cannot connect to 127\\.0\\.0\\.1:${port}: connect ECONNREFUSED`),
      )
      assert.match(hint, /millrace start/)
      assert.deepEqual(rest, [])
    }
  })

  it('send keys, headers, tombstones and files, and print them in all formats', async () => {
    await ok(['topic', 'create', 'keyed', '-p', '1'])
    await ok(['produce', 'keyed', '-K', ':', '-H', 'a=b', '--null'], 'k1:v1\nk2:\nplain')
    const file = join(directory, 'whole')
    writeFileSync(file, 'two\nlines')
    await ok(['produce', 'keyed', file, '--whole', '--key', 'fixed'])
    assert.equal(
      await ok(['consume', 'keyed', '-o', 'beginning', '-e', '-f', '%p %o %k=%s (%S) %h;']),
      '0 0 k1=v1 (2) a=b;0 1 k2= (-1) a=b;0 2 =plain (5) a=b;0 3 fixed=two\nlines (9) ;',
    )
    const [first, second] = json(
      await ok(['consume', 'keyed', '-o', 'beginning', '-c', '2', '--json']),
    ) as Record<string, unknown>[]
    assert.deepEqual(
      { ...first, timestamp: 0 },
      {
        topic: 'keyed',
        partition: 0,
        offset: 0,
        timestamp: 0,
        key: 'k1',
        value: 'v1',
        headers: [{ key: 'a', value: 'b' }],
      },
    )
    assert.equal(second?.value, null)
  })

  it('consume as a group, and show, reset and delete groups', async () => {
    await ok(['topic', 'create', 'grouped', '-p', '1'])
    await ok(['produce', 'grouped'], 'one\ntwo\nthree\nfour\n')
    assert.equal(
      await ok(['consume', 'grouped', '-g', 'readers', '-o', 'beginning', '-c', '3']),
      'one\ntwo\nthree\n',
    )
    assert.equal(await ok(['consume', 'grouped', '-g', 'readers', '-e']), 'four\n')
    assert.match(await ok(['group', 'list']), /readers +Empty +consumer +consumer/)
    assert.match(await ok(['group', 'describe', 'readers']), /grouped +0 +4 +4 +0/)
    assert.match(
      await ok(['group', 'reset-offsets', 'readers', '--shift=-1', '--dry-run']),
      /grouped +0 +4 +3/,
    )
    await ok(['group', 'reset-offsets', 'readers', '--topic', 'grouped:0', '--to', '1'])
    assert.equal(await ok(['consume', 'grouped', '-g', 'readers', '-c', '1']), 'two\n')
    assert.equal(await ok(['group', 'delete', 'readers']), 'deleted readers\n')
  })

  it('show and reset share groups, and list, describe and abort transactions', async () => {
    await ok(['topic', 'create', 'queued', '-p', '1'])
    await ok(['produce', 'queued'], 'one\ntwo\nthree\n')
    await ok(['config', 'alter', 'group', 'sharers', '-p', 'share.auto.offset.reset=earliest'])
    const bootstrapServers = broker.address
    {
      await using sharer = new ShareConsumer({
        bootstrapServers,
        groupId: 'sharers',
        topics: ['queued'],
      })
      while ((await sharer.poll(1000)).length === 0);
      await sharer.commit()
      assert.match(await ok(['group', 'describe', 'sharers']), /sharers {2}Stable, 1 member/)
      assert.match(await ok(['group', 'describe', 'sharers', '-m']), /millrace .*queued-0/)
    }
    assert.match(await ok(['group', 'list', '--type', 'share']), /sharers +Empty +share +share/)
    // As in Kafka, the stored start offset moves with the next write; the lag counts records that
    // are done.
    assert.match(await ok(['group', 'describe', 'sharers']), /queued +0 +[03] +0/)
    await ok(['group', 'reset-offsets', 'sharers', '--to', '1'])
    assert.match(await ok(['group', 'describe', 'sharers']), /queued +0 +1 +2/)
    assert.match(
      await ok(['group', 'delete-offsets', 'sharers', '-t', 'queued']),
      /deleted the offsets of sharers in queued/,
    )
    await ok(['group', 'delete', 'sharers'])
    assert.equal(await ok(['group', 'list', '--type', 'share']), '')
    assert.match((await run(['group', 'list', '--type', 'what'])).err, /invalid --type what/)

    await using producer = new Producer({ bootstrapServers, transactionalId: 'left-open' })
    await producer.initTransactions()
    producer.beginTransaction()
    await producer.send({ topic: 'queued', value: 'open' })
    assert.match(await ok(['transaction', 'list', '--state', 'Ongoing']), /left-open +\d+ +Ongoing/)
    assert.match(await ok(['transaction', 'describe', 'left-open']), /left-open.*Ongoing.*queued-0/)
    assert.equal(await ok(['transaction', 'abort', 'left-open']), 'aborted left-open\n')
    assert.equal(await ok(['transaction', 'list', '--state', 'Ongoing']), '')
    await assert.rejects(producer.commitTransaction())
    assert.match(
      (await run(['transaction', 'abort', '1', '-t', 'queued:0'])).err,
      /producer 1 has no open transaction in queued-0/,
    )
  })

  it('dump and verify logs', async () => {
    await ok(['topic', 'create', 'checked', '-p', '1'])
    await ok(['produce', 'checked'], 'a\nb\n')
    const log = join(directory, 'data/checked-0/00000000000000000000.log')
    assert.match(await ok(['log', 'dump', log, '--records']), /1 +\d+ +- +b +-/)
    assert.match(await ok(['log', 'verify', join(directory, 'data')]), /: no problems\n$/)
    const copy = join(directory, '00000000000000000000.log')
    const bytes = readFileSync(log)
    bytes[bytes.length - 3] = 0x7a
    writeFileSync(copy, bytes)
    const broken = await run(['log', 'verify', copy])
    assert.equal(broken.code, 1)
    assert.match(broken.out, /offset 0 at 0: the CRC is \d+, but \d+ was computed/)
    writeFileSync(copy, bytes.subarray(0, -2))
    assert.match(
      (await run(['log', 'verify', copy])).out,
      /the batch is truncated: \d+ of \d+ bytes/,
    )
  })

  it('measure', async () => {
    await ok(['topic', 'create', 'measured', '-p', '2'])
    assert.match(
      await ok(['bench', 'produce', 'measured', '-n', '2000']),
      /^2000 records in .* p99/,
    )
    const [read] = json(await ok(['bench', 'consume', 'measured', '--json'])) as {
      records: number
    }[]
    assert.equal(read?.records, 2000)
    assert.match(await ok(['bench', 'latency', 'measured', '-n', '20']), /^20 records in .* p50/)
  })

  it('complete commands and options in each shell', async () => {
    const script = await ok(['completion', 'bash'])
    const complete = (words: string): Promise<string> =>
      new Promise((resolve) => {
        const child = spawn('bash', [
          '-c',
          `${script}\nCOMP_WORDS=(${words} ""); COMP_CWORD=$((\${#COMP_WORDS[@]}-1)); _millrace; echo "\${COMPREPLY[@]}"`,
        ])
        let out = ''
        child.stdout.on('data', (data) => {
          out += data
        })
        child.on('close', () => resolve(out.trim()))
      })
    const names = millrace.subcommands?.map(({ name }) => name) ?? []
    assert.ok(names.includes('topic'))
    assert.equal(await complete('millrace'), names.join(' '))
    assert.match(await complete('millrace topic'), /^list create describe alter delete offsets$/)
    assert.match(await complete('millrace topic create'), /--partitions/)
    assert.match(await complete('millrace agent'), /^status tap components --name --conf-file/)
    assert.match(await complete('millrace consume logs'), /--grep/)
    assert.match(await ok(['completion', 'fish']), /complete -c millrace .* -a topic/)
    assert.match(await ok(['completion', 'zsh']), /bashcompinit/)
  })

  it('report the error, and what to do about it', async () => {
    const cases: readonly (readonly [readonly string[], number, RegExp])[] = [
      [['tpoic'], 2, /unknown command tpoic; did you mean topic\?/],
      [['topic', 'lsit'], 2, /unknown command topic lsit; did you mean list\?/],
      [['topic', 'create'], 2, /NAME is missing/],
      [['topic', 'list', 'x'], 2, /unexpected argument x/],
      [
        ['topic', 'create', 'x', '--partitions', 'many'],
        2,
        /invalid --partitions many: expected a whole number from 1/,
      ],
      [['topic', 'create', 'x', '--topic', 'retention=1'], 1, /retention/],
      [
        ['topic', 'describe', 'nowhere'],
        1,
        /UNKNOWN_TOPIC_OR_PARTITION\n {2}`millrace topic list`/,
      ],
      [['consume', 'nowhere', '--from', 'soon'], 2, /invalid --from soon: expected beginning/],
      [['consume', 'x', '--json', '--format', '%s'], 2, /exclude each other/],
      [['produce', 'lines', '/no/such/file'], 2, /cannot read \/no\/such\/file: ENOENT/],
      [['produce', 'lines', '--acks', '7'], 2, /invalid --acks 7: expected all, 1, 0/],
      [['group', 'describe', 'nobody'], 1, /GROUP_ID_NOT_FOUND|nobody/],
      [['group', 'reset-offsets', 'g'], 2, /use either --to or --shift/],
      [['config', 'describe', 'tpc', 'x'], 2, /invalid TYPE tpc: expected topic, broker/],
      [['topic', 'list', '--config', '/no/such'], 2, /cannot read --config \/no\/such: ENOENT/],
      [['topic', 'list', '--set', 'security.protocol=TLS'], 1, /invalid security.protocol=TLS/],
      [
        ['topic', 'list', '-b', '127.0.0.1:1', '--set', 'default.api.timeout.ms=300'],
        1,
        /cannot connect to 127.0.0.1:1: .*\n {2}is a broker running there\?/,
      ],
      [['log', 'verify', '/no/such'], 2, /cannot read \/no\/such: ENOENT/],
    ]
    const results = await Promise.all(cases.map(([args]) => run(args)))
    for (const [i, [args, code, message]] of cases.entries()) {
      assert.match(results[i]?.err ?? '', message, args.join(' '))
      assert.equal(results[i]?.code, code, args.join(' '))
    }
  })
})
