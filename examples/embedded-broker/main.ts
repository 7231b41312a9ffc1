// SPDX-License-Identifier: Apache-2.0
// An embedded broker with a data directory: the second run reads what the first has written.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Broker } from '@millrace/broker'
import kafkajs from 'kafkajs'

const dataDirectory = mkdtempSync(join(tmpdir(), 'embedded-'))
try {
  for (const value of ['first run', 'second run']) {
    await using broker = await Broker.start({ dataDirectory, config: { 'num.partitions': '1' } })
    const kafka = new kafkajs.Kafka({ brokers: [broker.address] })
    const producer = kafka.producer()
    await producer.connect()
    const [sent] = await producer.send({ topic: 'runs', messages: [{ value }] })
    await producer.disconnect()
    console.log(`${value}: offset ${sent?.baseOffset}`)
  }
} finally {
  rmSync(dataDirectory, { recursive: true })
}
