// SPDX-License-Identifier: Apache-2.0
// The sink for object storage against a server that checks signatures and permissions: moto.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { freePort } from '@millrace/testkit'
import { AwsClient } from 'aws4fetch'
import { until } from '../test/e2e/until.ts'
import { netcatOnly, placeFor, run, send } from './flume-agents.ts'
import { peersDirectory } from './peers.ts'

interface Keys {
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

const conf = (url: string, { accessKeyId, secretAccessKey }: Keys, more: string): string => `
${netcatOnly()}
a1.sinks.k1.type = s3
a1.sinks.k1.endpoint = ${url}
a1.sinks.k1.bucket = logs
a1.sinks.k1.accessKeyId = ${accessKeyId}
a1.sinks.k1.secretAccessKey = ${secretAccessKey}
a1.sinks.k1.rollInterval = 1
${more}`

describe('objects in S3', () => {
  let server: ChildProcess
  let url = ''
  let keys: Keys
  let client: AwsClient

  before(async () => {
    const port = await freePort()
    url = `http://127.0.0.1:${port}`
    server = spawn(
      join(peersDirectory, 'venv/bin/python'),
      ['-m', 'moto.server', '-p', `${port}`],
      {
        stdio: 'ignore',
      },
    )
    await until(async () => (await fetch(url).catch(() => undefined)) !== undefined, 30_000)
    const anyone = { accessKeyId: 'none', secretAccessKey: 'none', region: 'us-east-1' }
    const iam = async (query: string): Promise<string> => {
      const response = await new AwsClient({ ...anyone, service: 'iam' }).fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: `${query}&Version=2010-05-08`,
      })
      const text = await response.text()
      assert.ok(response.ok, text)
      return text
    }
    await iam('Action=CreateUser&UserName=writer')
    const policy = {
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action: 's3:*', Resource: '*' }],
    }
    await iam(
      `Action=PutUserPolicy&UserName=writer&PolicyName=all&PolicyDocument=${encodeURIComponent(JSON.stringify(policy))}`,
    )
    const made = await iam('Action=CreateAccessKey&UserName=writer')
    keys = {
      accessKeyId: /<AccessKeyId>([^<]*)/.exec(made)?.[1] ?? '',
      secretAccessKey: /<SecretAccessKey>([^<]*)/.exec(made)?.[1] ?? '',
    }
    client = new AwsClient({ ...keys, region: 'us-east-1', service: 's3' })
    assert.ok((await client.fetch(`${url}/logs`, { method: 'PUT' })).ok)
    // From this call on, moto checks signatures and permissions.
    await fetch(`${url}/moto-api/reset-auth`, { method: 'POST', body: '0' })
  })
  after(async () => {
    server.kill()
    await once(server, 'exit')
  })

  const objects = async (prefix: string): Promise<ReadonlyMap<string, Buffer>> => {
    const listed = await client.fetch(
      `${url}/logs?list-type=2&prefix=${encodeURIComponent(prefix)}`,
    )
    const text = await listed.text()
    assert.ok(listed.ok, text)
    const found = new Map<string, Buffer>()
    for (const [, name = ''] of text.matchAll(/<Key>([^<]*)<\/Key>/g)) {
      const path = name.split('/').map(encodeURIComponent).join('/')
      const response = await client.fetch(`${url}/logs/${path}`)
      assert.ok(response.ok)
      found.set(name, Buffer.from(await response.arrayBuffer()))
    }
    return found
  }
  const waitFor = async (prefix: string, count: number): Promise<ReadonlyMap<string, Buffer>> => {
    await until(async () => (await objects(prefix)).size >= count, 20_000)
    return objects(prefix)
  }

  it('are written by day and header, rolled, compressed', async () => {
    const place = await placeFor('millrace')
    const agent = await run(
      place,
      conf(
        url,
        keys,
        `a1.sinks.k1.path = in/%{kind}/%Y
a1.sinks.k1.filePrefix = part é+
a1.sinks.k1.rollCount = 2
a1.sinks.k1.codec = gzip
a1.sources.r1.interceptors = i1
a1.sources.r1.interceptors.i1.type = regex_extractor
a1.sources.r1.interceptors.i1.regex = ^(\\\\w+)
a1.sources.r1.interceptors.i1.serializers = s1
a1.sources.r1.interceptors.i1.serializers.s1.name = kind
`,
      ),
    )
    await send(place.port, 'a 1\na 2\na 3\nb 4\n')
    const found = await waitFor('in/', 3)
    await agent.stop()
    const year = new Date().getUTCFullYear()
    for (const name of found.keys())
      assert.match(name, new RegExp(`^in/[ab]/${year}/part é\\+\\..*\\.gz$`))
    assert.deepEqual([...found.values()].map((bytes) => gunzipSync(bytes).toString()).sort(), [
      'a 1\na 2\n',
      'a 3\n',
      'b 4\n',
    ])
  })

  it('are rejected with a wrong key, and the events wait for the right one', async () => {
    const place = await placeFor('millrace')
    const wrong = { ...keys, secretAccessKey: 'guessed' }
    const durable = `a1.sinks.k1.path = wait
a1.channels.c1.type = file
a1.channels.c1.dataDirs = DIR/data
a1.channels.c1.checkpointDir = DIR/checkpoint
a1.channels.c1.minimumRequiredSpace = 0
a1.channels.c1.transactionCapacity = 100
`
    const refused = await run(
      place,
      conf(url, wrong, durable).replace('a1.channels.c1.type = memory\n', ''),
    )
    await send(place.port, 'kept\n')
    await until(() => /refused|cannot deliver/.test(refused.log()), 20_000)
    assert.match(refused.log(), /403 SignatureDoesNotMatch/)
    await refused.stop()
    assert.equal((await objects('wait')).size, 0)
    const agent = await run(
      place,
      conf(url, keys, durable).replace('a1.channels.c1.type = memory\n', ''),
    )
    const found = await waitFor('wait', 1)
    await agent.stop()
    assert.deepEqual([...found.values()].map(String), ['kept\n'])
  })
})
