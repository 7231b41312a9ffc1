// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { RegistryReply, RegistryRequest, RegistryTransport } from './http-transport.ts'
import { RegistryError } from './registry-error.ts'
import { SchemaRegistryClient, type SchemaRegistryClientOptions } from './schema-registry-client.ts'

type Answer = object | string | number | Error

/** Answers requests in turn, the last answer again and again. */
class ScriptedTransport implements RegistryTransport {
  readonly requests: RegistryRequest[] = []
  readonly #answers: Answer[]

  constructor(...answers: Answer[]) {
    this.#answers = answers
  }

  async send(request: RegistryRequest): Promise<RegistryReply> {
    this.requests.push(request)
    const answer = this.#answers.length > 1 ? this.#answers.shift() : this.#answers[0]
    if (answer instanceof Error) throw answer
    if (typeof answer === 'number') {
      const body = JSON.stringify({ error_code: answer * 100 + 1, message: `status ${answer}` })
      return { status: answer, body }
    }
    return { status: 200, body: typeof answer === 'string' ? answer : JSON.stringify(answer) }
  }

  close(): void {}

  get paths(): string[] {
    return this.requests.map(
      ({ method, url }) => `${method} ${url.host}${url.pathname}${url.search}`,
    )
  }
}

function clientOf(
  transport: RegistryTransport,
  options: Partial<SchemaRegistryClientOptions> = {},
): SchemaRegistryClient {
  return new SchemaRegistryClient({ urls: 'http://one', transport, retryWaitMs: 0, ...options })
}

describe('SchemaRegistryClient', () => {
  it('sends the requests of Confluent’s clients', async () => {
    const transport = new ScriptedTransport({ id: 1, schema: '"int"' })
    const client = clientOf(transport, { urls: 'http://one/base/' })
    await client.schemaById(7, { subject: 'a/b' })
    await client.version('a/b')
    await client.version('s', 3, { isDeleted: true })
    await client.versionWithMetadata('s', { owner: 'me', team: 'x' })
    await client.register('s', { schema: '"int"' })
    await client.lookup('s', { schema: '{}', schemaType: 'JSON' }, { normalize: true })
    assert.deepEqual(transport.paths, [
      'GET one/base/schemas/ids/7?subject=a%2Fb',
      'GET one/base/subjects/a%2Fb/versions/latest',
      'GET one/base/subjects/s/versions/3?deleted=true',
      'GET one/base/subjects/s/metadata?key=owner&key=team&value=me&value=x',
      'POST one/base/subjects/s/versions?normalize=false',
      'POST one/base/subjects/s?normalize=true&deleted=false',
    ])
    assert.deepEqual(
      transport.requests.slice(-2).map(({ body }) => JSON.parse(body ?? '')),
      [{ schema: '"int"' }, { schema: '{}', schemaType: 'JSON' }],
    )
  })

  it('asks once for what does not change, and shares questions in flight', async () => {
    const transport = new ScriptedTransport({ id: 7, schema: '"int"' })
    const client = clientOf(transport, { cacheSize: 2 })
    const [a, b] = await Promise.all([client.schemaById(7), client.schemaById(7)])
    assert.equal(a, b)
    await client.schemaById(7)
    await Promise.all([client.version('s'), client.version('s')])
    await client.version('s')
    await client.register('s', { schema: '"int"' })
    await client.register('s', { schema: '"int"' })
    assert.equal(transport.requests.length, 4)
    await client.schemaById(8)
    await client.schemaById(9)
    await client.schemaById(7)
    assert.equal(transport.requests.length, 7, 'the cache has two entries')
  })

  it('repeats what may succeed, over all addresses, and nothing else', async () => {
    const refused = new Error('connect ECONNREFUSED')
    const cases: readonly (readonly [Answer[], number, number | undefined])[] = [
      [[refused, { id: 1, schema: '1' }], 2, undefined],
      [[500, 503, { id: 1, schema: '1' }], 3, undefined],
      [[429, { id: 1, schema: '1' }], 2, undefined],
      [[404], 1, 404],
      [[409], 1, 409],
      [[422], 1, 422],
      [[503], 6, 503],
      [[refused], 6, 0],
    ]
    for (const [answers, count, status] of cases) {
      const transport = new ScriptedTransport(...answers)
      const client = clientOf(transport, { urls: ['http://one', 'http://two'], maxRetries: 2 })
      const asking = client.schemaById(1)
      if (status === undefined) await asking
      else {
        await assert.rejects(asking, (error: unknown) => {
          assert.ok(error instanceof RegistryError)
          assert.equal(error.status, status)
          assert.equal(error.errorCode, status === 0 ? 0 : status * 100 + 1)
          assert.match(error.message, /^GET http:\/\/(one|two)\/schemas\/ids\/1: /)
          return true
        })
      }
      assert.equal(transport.requests.length, count, String(answers[0]))
    }
  })

  it('stays with the address that answered', async () => {
    const transport = new ScriptedTransport(new Error('down'), { id: 1, schema: '1' })
    const client = clientOf(transport, { urls: 'http://one,http://two' })
    await client.schemaById(1)
    await client.schemaById(2)
    assert.deepEqual(
      transport.requests.map(({ url }) => url.host),
      ['one', 'two', 'two'],
    )
  })

  it('authenticates, and shows no secret in errors', async () => {
    const basic = `Basic ${Buffer.from('me:p@ss').toString('base64')}`
    const cases: readonly (readonly [Partial<SchemaRegistryClientOptions>, string | undefined])[] =
      [
        [{}, undefined],
        [{ urls: 'http://me:p%40ss@one' }, basic],
        [{ basicAuth: { username: 'me', password: 'p@ss' } }, basic],
        [{ token: 'p@ss' }, 'Bearer p@ss'],
        [{ token: async () => 'p@ss' }, 'Bearer p@ss'],
      ]
    for (const [options, expected] of cases) {
      const transport = new ScriptedTransport(404)
      const error = await clientOf(transport, options)
        .schemaById(1)
        .catch((reason: unknown) => reason)
      assert.ok(error instanceof RegistryError)
      assert.doesNotMatch(error.message, /p@ss|p%40ss/)
      assert.equal(transport.requests[0]?.headers.authorization, expected)
    }
  })

  it('refuses answers that are no schemas', async () => {
    for (const answer of ['', '[]', '"x"', '{}', 'null', '<html>', '{"id":1}']) {
      const client = clientOf(new ScriptedTransport(answer), { maxRetries: 0 })
      await assert.rejects(client.schemaByGuid('x'), RegistryError, answer)
    }
  })

  it('refuses invalid options by name', () => {
    const cases: readonly (readonly [Partial<SchemaRegistryClientOptions>, RegExp])[] = [
      [{ urls: [] }, /invalid urls \[\]: expected at least one address/],
      [{ urls: 'localhost:8081' }, /invalid urls "localhost:8081": expected an http: or https:/],
      [{ timeoutMs: 0 }, /invalid timeoutMs 0: expected an integer from 1/],
      [{ maxRetries: -1 }, /invalid maxRetries -1/],
      [{ cacheSize: 0.5 }, /invalid cacheSize 0.5/],
    ]
    for (const [options, message] of cases) {
      assert.throws(() => clientOf(new ScriptedTransport({}), options), {
        message,
        code: 'MILLRACE_INVALID_OPTION',
      })
    }
  })

  it('ends its requests when it is closed', async () => {
    const transport: RegistryTransport = {
      send: ({ signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason))
        }),
      close: () => {},
    }
    const client = clientOf(transport)
    const asking = client.subjects()
    setImmediate(() => client.close())
    await assert.rejects(asking, { code: 'MILLRACE_CLOSED' })
  })
})
