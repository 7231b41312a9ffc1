// SPDX-License-Identifier: Apache-2.0
// Bytes that Apache Kafka 4.4.0 answered on SASL listeners, step by step.
import assert from 'node:assert/strict'
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import { once } from 'node:events'
import { createConnection, type Socket } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { ByteReader, ByteWriter } from '@millrace/base'
import { Broker } from '@millrace/broker'
import * as p from '@millrace/protocol'

const DELAY_MS = 60
const SASL = 'SASL_PLAINTEXT'
const config = {
  listeners: 'SASL_PLAINTEXT://127.0.0.1:0,PLAINTEXT://127.0.0.1:0',
  'listener.name.sasl_plaintext.sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256',
  'listener.name.sasl_plaintext.plain.sasl.jaas.config':
    'org.apache.kafka.common.security.plain.PlainLoginModule required user_alice="alice-secret" user_bob="bob-secret";',
  'listener.name.sasl_plaintext.plain.connections.max.reauth.ms': '5000',
  'connection.failed.authentication.delay.ms': String(DELAY_MS),
}

/** One client that sends single frames and reads single replies. */
class RawClient {
  readonly #socket: Socket
  #received: Buffer = Buffer.alloc(0)
  #isClosed = false
  #wake: () => void = () => {}
  #correlationId = 0

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk])
      this.#wake()
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#isClosed = true
      this.#wake()
    })
  }

  static async connect(address: string): Promise<RawClient> {
    const [host = '', port] = address.split(':')
    const socket = createConnection({ host, port: Number(port) })
    await once(socket, 'connect')
    return new RawClient(socket)
  }

  /** Sends a frame and returns the reply's frame in hex, or CLOSED. */
  async frame(bytes: Buffer): Promise<string> {
    const size = Buffer.alloc(4)
    size.writeInt32BE(bytes.length)
    return this.raw(Buffer.concat([size, bytes]))
  }

  async raw(bytes: Buffer): Promise<string> {
    this.#socket.write(bytes)
    for (;;) {
      const size = this.#received.length < 4 ? undefined : this.#received.readInt32BE(0)
      if (size !== undefined && this.#received.length >= 4 + size) {
        const frame = this.#received.subarray(4, 4 + size)
        this.#received = this.#received.subarray(4 + size)
        return frame.toString('hex')
      }
      if (this.#isClosed) return 'CLOSED'
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  /** Sends a request and returns the reply without its correlation id, in hex, or CLOSED. */
  async request<S extends p.MessageSchema>(
    schema: S,
    version: number,
    message: p.MessageInput<S>,
  ): Promise<string> {
    const writer = new ByteWriter()
    const api = p.apis.get(schema.apiKey ?? -1)
    assert.ok(api)
    const correlationId = ++this.#correlationId
    p.writeRequestHeader(writer, api, { apiVersion: version, correlationId, clientId: 'raw' })
    p.codecOf(schema, version).encode(writer, message)
    const reply = await this.frame(writer.toBuffer())
    return reply === 'CLOSED' ? reply : reply.slice(8)
  }

  versions = (version = 0): Promise<string> =>
    this.request(p.ApiVersionsRequest, version, {
      clientSoftwareName: 'raw',
      clientSoftwareVersion: '1',
    })
  handshake = (mechanism: string, version = 1): Promise<string> =>
    this.request(p.SaslHandshakeRequest, version, { mechanism })
  token = (text: string, version = 1): Promise<string> =>
    this.request(p.SaslAuthenticateRequest, version, { authBytes: Buffer.from(text) })
  metadata = (): Promise<string> => this.request(p.MetadataRequest, 1, { topics: [] })

  close(): void {
    this.#socket.destroy()
  }
}

/** A refused SaslAuthenticate v1: error, text, no bytes, no lifetime. */
function refused(message: string, code = 58): string {
  const writer = new ByteWriter()
  const encode = p.codecOf(p.SaslAuthenticateResponse, 1).encode
  encode(writer, { errorCode: code, errorMessage: message, authBytes: Buffer.alloc(0) })
  return writer.toBuffer().toString('hex')
}

const MECHANISMS = '0000000000020005504c41494e000d534352414d2d5348412d323536'
const LOGGED_IN = '00000000000000000000000000001388'
const METADATA = /^00000001.*0000000100000000$/
const INVALID = refused('Authentication failed: Invalid username or password')

describe('SASL, as Apache Kafka 4.4.0 answered byte for byte', () => {
  let broker: Broker
  before(async () => {
    broker = await Broker.start({ config })
    const admin = await RawClient.connect(addressOf('PLAINTEXT'))
    const salted = pbkdf2Sync('secret', 'salt', 4096, 32, 'sha256')
    await admin.request(p.AlterUserScramCredentialsRequest, 0, {
      deletions: [],
      upsertions: [
        {
          name: 'z',
          mechanism: 1,
          iterations: 4096,
          salt: Buffer.from('salt'),
          saltedPassword: salted,
        },
      ],
    })
    admin.close()
  })
  after(() => broker?.close())

  function addressOf(listener: 'PLAINTEXT' | typeof SASL): string {
    return broker.addresses[listener === SASL ? 0 : 1] as string
  }

  type Step = readonly [run: (client: RawClient) => Promise<string>, expected: string | RegExp]
  const plain: Step = [(c) => c.handshake('PLAIN'), MECHANISMS]
  const login: Step = [(c) => c.token('\0alice\0alice-secret'), LOGGED_IN]
  const metadata: Step = [(c) => c.metadata(), METADATA]
  const closed = (run: Step[0]): Step => [run, 'CLOSED']

  const conversations: readonly (readonly [name: string, ...steps: readonly Step[]])[] = [
    ['ApiVersions twice', [(c) => c.versions(), /^0000/], closed((c) => c.versions())],
    ['Metadata before authentication', closed((c) => c.metadata())],
    [
      'a mechanism that is not enabled',
      [(c) => c.handshake('GSSAPI'), `0021${MECHANISMS.slice(4)}`],
      closed((c) => c.handshake('PLAIN')),
    ],
    [
      'ApiVersions after the handshake',
      plain,
      [(c) => c.versions(), '002200000000'],
      closed((c) => c.versions()),
    ],
    ['SaslAuthenticate without a handshake', closed((c) => c.token('x'))],
    [
      'two handshakes',
      plain,
      [(c) => c.handshake('PLAIN'), '002200000000'],
      closed((c) => c.token('x')),
    ],
    [
      'a wrong password',
      plain,
      [(c) => c.token('\0alice\0wrong'), INVALID],
      closed((c) => c.metadata()),
    ],
    ['an unknown user', plain, [(c) => c.token('\0nobody\0wrong'), INVALID]],
    [
      'a malformed token',
      plain,
      [(c) => c.token('x'), refused('Invalid SASL/PLAIN response: expected 3 tokens, got 1')],
    ],
    [
      'another authorization id',
      plain,
      [
        (c) => c.token('bob\0alice\0alice-secret'),
        refused(
          'Authentication failed: Client requested an authorization id that is different from username',
        ),
      ],
    ],
    [
      'an empty user',
      plain,
      [(c) => c.token('\0\0x'), refused('Authentication failed: username not specified')],
    ],
    [
      'an empty password',
      plain,
      [(c) => c.token('\0alice\0'), refused('Authentication failed: password not specified')],
    ],
    ['a login', [(c) => c.versions(4), /^0000/], plain, login, metadata],
    ['a second login right away', plain, login, plain, login, metadata],
    [
      'a second login as another user',
      plain,
      login,
      plain,
      [
        (c) => c.token('\0bob\0bob-secret'),
        refused('Cannot change principals during re-authentication from User.alice: User.bob'),
      ],
      closed((c) => c.metadata()),
    ],
    [
      'a second login by another mechanism',
      plain,
      login,
      [(c) => c.handshake('SCRAM-SHA-256'), MECHANISMS],
      closed((c) => c.token('n,,n=z,r=abc')),
    ],
    [
      'a third login within a second of the second',
      ...[plain, login, plain, login],
      [(c) => c.handshake('PLAIN'), '002200000000'],
      metadata,
    ],
    [
      'bare tokens after handshake v0',
      [(c) => c.handshake('PLAIN', 0), MECHANISMS],
      [(c) => c.frame(Buffer.from('\0alice\0alice-secret')), ''],
      metadata,
    ],
    [
      'a wrong bare token',
      [(c) => c.handshake('PLAIN', 0), MECHANISMS],
      closed((c) => c.frame(Buffer.from('\0alice\0wrong'))),
    ],
    ['a frame that is too large', closed((c) => c.raw(Buffer.from('000927c0', 'hex')))],
    ['an unknown API', closed((c) => c.frame(Buffer.from('03e700000000000100', 'hex')))],
  ]
  for (const [name, ...steps] of conversations) {
    it(name, async () => {
      const client = await RawClient.connect(addressOf(SASL))
      for (const [index, [run, expected]] of steps.entries()) {
        const beganMs = performance.now()
        const reply = await run(client)
        if (expected instanceof RegExp) assert.match(reply, expected, `step ${index + 1}`)
        else assert.equal(reply, expected, `step ${index + 1}`)
        const isRefusal =
          /^00(21|22|3a)/.test(reply) && name !== 'a third login within a second of the second'
        if (isRefusal) assert.ok(performance.now() - beganMs >= DELAY_MS - 2, 'is delayed')
      }
      client.close()
    })
  }

  it('on a listener without SASL', async () => {
    const client = await RawClient.connect(addressOf('PLAINTEXT'))
    assert.equal(await client.handshake('PLAIN'), '002200000000')
    const late = 'SaslAuthenticate request received after successful authentication'
    assert.equal(await client.token('x'), refused(late, 34))
    assert.match(await client.metadata(), METADATA)
    client.close()
  })

  const GENERAL =
    'Authentication failed during authentication due to invalid credentials with SASL mechanism SCRAM-SHA-256'

  /**
   * First message, change of the final one, and the error with which the broker rejects it, if any.
   */
  const scram: readonly (readonly [
    name: string,
    first: string,
    step: 1 | 2 | undefined,
    change?: (final: string) => string,
  ])[] = [
    ['the right password', 'n,,n=z,r=abcdefgh', undefined],
    ['without channel binding in the client', 'y,,n=z,r=abcdefgh', undefined],
    ['an authorization id that is the user', 'n,a=z,n=z,r=abcdefgh', undefined],
    ['an unknown extension', 'n,,n=z,r=abcdefgh,foo=bar', undefined],
    ['a wrong proof', 'n,,n=z,r=abcdefgh', 2, (f) => f.replace(/p=..../, 'p=AAAA')],
    ['another nonce', 'n,,n=z,r=abcdefgh', 2, (f) => f.replace(/r=[^,]*/, 'r=abcdefghxxxxxxxx')],
    ['another binding', 'n,,n=z,r=abcdefgh', 2, (f) => f.replace('c=biws', 'c=AAAA')],
    ['a user that does not exist', 'n,,n=nobody,r=abcdefgh', 2],
    ['a token that does not exist', 'n,,n=z,r=abcdefgh,tokenauth=true', 2],
    ['a channel binding', 'p=tls-unique,,n=z,r=abcdefgh', 1],
    ['a bad escape', 'n,,n=a=b,r=abcdefgh', 1],
    ['garbage', 'garbage', 1],
    ['nothing', '', 1],
  ]
  for (const [name, first, failsAt, change] of scram) {
    it(`SCRAM: ${name}`, async () => {
      const client = await RawClient.connect(addressOf(SASL))
      assert.equal(await client.handshake('SCRAM-SHA-256'), MECHANISMS)
      const one = await client.token(first)
      if (failsAt === 1) {
        assert.equal(one, refused(GENERAL))
        return client.close()
      }
      const reply = p
        .codecOf(p.SaslAuthenticateResponse, 1)
        .decode(new ByteReader(Buffer.from(one, 'hex')))
      const challenge = String(reply.authBytes)
      const [, nonce, salt, iterations] =
        /^r=(abcdefgh[^,]{20,}),s=([^,]+),i=(\d+)$/.exec(challenge) ?? []
      assert.ok(nonce && salt, challenge)
      const salted = pbkdf2Sync(
        'secret',
        Buffer.from(salt, 'base64'),
        Number(iterations),
        32,
        'sha256',
      )
      const key = createHmac('sha256', salted).update('Client Key').digest()
      const stored = createHash('sha256').update(key).digest()
      const header = /^[^,]*,[^,]*,/.exec(first)?.[0] ?? ''
      const bare = `c=${Buffer.from(header).toString('base64')},r=${nonce}`
      const signature = createHmac('sha256', stored)
        .update(`${first.slice(header.length)},${challenge},${bare}`)
        .digest()
      const proof = Buffer.from(key.map((byte, i) => byte ^ (signature[i] ?? 0)))
      const final = `${bare},p=${proof.toString('base64')}`
      const two = await client.token((change ?? String)(final))
      if (failsAt === 2) assert.equal(two, refused(GENERAL))
      else assert.match(two, /^0000/)
      client.close()
    })
  }
})
