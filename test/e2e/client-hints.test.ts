// SPDX-License-Identifier: Apache-2.0
// A client whose security does not match that of the listener learns it from its error.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { createLogger, MemoryNetwork } from '@millrace/base'
import { Broker } from '@millrace/broker'
import { Admin, type ClientOptions } from '@millrace/client'

const material = join(import.meta.dirname, '../testdata/tls')
const pem = (name: string): string => readFileSync(join(material, name), 'utf8')
const tls = {
  'ssl.keystore.type': 'PEM',
  'ssl.keystore.key': pem('server.key'),
  'ssl.keystore.certificate.chain': pem('server.pem'),
}
const scram = { 'sasl.enabled.mechanisms': 'SCRAM-SHA-256' }

const cases: readonly [
  protocol: string,
  config: Readonly<Record<string, string>>,
  client: Partial<ClientOptions>,
  expected: RegExp,
][] = [
  ['SASL_PLAINTEXT', scram, {}, /if the listener requires SASL, set the option sasl/],
  ['SASL_SSL', { ...scram, ...tls }, { tls: { ca: pem('ca.pem') } }, /requires SASL/],
  ['SSL', tls, {}, /TLS/],
  ['PLAINTEXT', {}, { tls: { ca: pem('ca.pem') } }, /TLS/],
]

/** The message of an error and of its causes. */
function messagesOf(error: unknown): string {
  const messages: string[] = []
  for (let each = error; each instanceof Error; each = each.cause) messages.push(each.message)
  return messages.join(' | ')
}

describe('a client whose security is not that of the listener', () => {
  for (const [protocol, config, client, expected] of cases) {
    it(`names the cause on ${protocol}, ${Object.keys(client).join() || 'with neither'}`, async () => {
      const lines: string[] = []
      const write = (line: string): void => void lines.push(line)
      await using broker = await Broker.start({
        logger: createLogger({ now: Date.now, write }),
        config: {
          listeners: `${protocol}://127.0.0.1:0`,
          'security.inter.broker.protocol': protocol,
          ...config,
        },
      })
      await using admin = new Admin({
        bootstrapServers: broker.address,
        defaultApiTimeoutMs: 1500,
        retryBackoffMs: 10,
        reconnectBackoffMs: 10,
        reconnectBackoffMaxMs: 20,
        ...client,
      })
      await assert.rejects(admin.listTopics(), (error: unknown) => {
        assert.match(messagesOf(error), expected)
        return true
      })
      // The client has tried again and again; the broker says so once.
      if (protocol === 'PLAINTEXT') return
      const said = lines.filter((line) => line.includes('127.0.0.1'))
      assert.equal(said.length, 1, lines.join('\n'))
    })
  }
})

describe('connections inside the process', () => {
  const unsupported = { code: 'MILLRACE_UNSUPPORTED' }

  it('are refused with TLS, which they do not have', async () => {
    await using broker = await Broker.start()
    await using admin = new Admin({
      bootstrapServers: broker.address,
      network: broker.network,
      tls: true,
    })
    await assert.rejects(admin.listTopics(), unsupported)
    const network = new MemoryNetwork()
    const ignore = (): void => {}
    const options = { host: '', port: 0, onConnection: ignore, onError: ignore }
    await assert.rejects(network.listen({ ...options, tls: {} }), unsupported)
    await assert.rejects(network.connect({ port: 1, tls: {} }), unsupported)
  })
})
