// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { createLogger } from '@millrace/base'
import { Broker } from '@millrace/broker'
import { Admin } from '@millrace/client'
import { JmsProvider } from '@millrace/jms-provider'

it('a client of another protocol on the AMQP port gets an error, and the log names the right port', async () => {
  const broker = await Broker.start({ listen: '127.0.0.1:0' })
  const lines: string[] = []
  const logger = createLogger({
    level: 'warn',
    now: Date.now,
    write: (line) => lines.push(line.replace(/^\S+ /, '')),
  })
  const provider = await JmsProvider.start({
    client: { bootstrapServers: broker.address },
    config: { 'amqp.listener': '127.0.0.1:0' },
    logger,
  })
  try {
    const port = provider.address.split(':').at(-1)
    const kafka = new Admin({ bootstrapServers: provider.address, requestTimeoutMs: 1000 })
    const refused = kafka.listTopics().catch((error: unknown) => error)
    while (lines.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    await kafka.close()
    assert.ok((await refused) instanceof Error)
    const answer = await fetch(`http://${provider.address}/`)
    assert.equal(answer.status, 400)
    assert.equal(await answer.text(), 'This port speaks AMQP 1.0, not HTTP.\n')
    const served = `on port ${port}, which serves only AMQP 1.0`
    // Reported once per protocol, even if the client retries.
    assert.deepEqual(lines, [
      `WARN  client speaks Kafka ${served}; Kafka listens on ${broker.address} client=127.0.0.1`,
      `WARN  client speaks HTTP ${served} client=127.0.0.1`,
    ])
  } finally {
    await provider.close()
    await broker.close()
  }
})
