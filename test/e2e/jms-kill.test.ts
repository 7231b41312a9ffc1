// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { type Connection, ConnectionFactory, Session, type TextMessage } from '@millrace/jms'
import {
  effort,
  freePort,
  millraceArguments,
  readyAddresses,
  seededRandom,
} from '@millrace/testkit'
import { until } from './until.ts'

const ACCOUNTS = 4
const COINS = 60
const MOVERS = 3
const ROUNDS = Number(process.env.ROUNDS ?? effort(3, 30))

async function start(directory: string, ports: readonly [number, number]): Promise<ChildProcess> {
  const child = spawn(
    process.execPath,
    millraceArguments(
      ...['start', '--data', directory],
      ...['--listen', `127.0.0.1:${ports[0]}`, '--amqp', `127.0.0.1:${ports[1]}`],
    ),
  )
  await readyAddresses(child)
  return child
}

/** Moves coins between accounts until aborted, and reconnects when the provider is killed. */
async function move(
  factory: ConnectionFactory,
  { seed, stop, onMoved }: { seed: number; stop: AbortSignal; onMoved: () => void },
): Promise<void> {
  const random = seededRandom(seed)
  while (!stop.aborted) {
    let connection: Connection | undefined
    try {
      connection = await factory.createConnection()
      await connection.start()
      const session = await connection.createSession(Session.SESSION_TRANSACTED)
      const producer = await session.createProducer()
      while (!stop.aborted) {
        const [from, to] = [random.integer(ACCOUNTS), random.integer(ACCOUNTS)]
        const consumer = await session.createConsumer(session.createQueue(`account-${from}`))
        for (let i = 0; i < 5 && !stop.aborted; i++) {
          const coin = await consumer.receive(50)
          if (coin === null) break
          await producer.send(session.createQueue(`account-${to}`), coin)
          // A second message in the transaction, so that a partial commit is detected.
          await producer.send(session.createQueue('moves'), session.createTextMessage('moved'))
          if (random.integer(5) === 0) await session.rollback()
          else {
            await session.commit()
            onMoved()
          }
        }
        await consumer.close()
      }
    } catch {
      // The provider was killed; the uncommitted transaction has no effect.
      await new Promise((resolve) => setTimeout(resolve, 20))
    } finally {
      await connection?.close().catch(() => undefined)
    }
  }
}

async function drain(factory: ConnectionFactory, queue: string): Promise<string[]> {
  await using connection = await factory.createConnection()
  await connection.start()
  await using session = await connection.createSession()
  await using consumer = await session.createConsumer(session.createQueue(queue))
  const found: string[] = []
  for (;;) {
    const message = await consumer.receive(1000)
    if (message === null) return found
    found.push((message as TextMessage).getText() ?? '')
  }
}

it('keeps the sum of all accounts while the provider is killed repeatedly', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-jms-kill-'))
  const ports = [await freePort(), await freePort()] as const
  const random = seededRandom(Number(process.env.SEED ?? 1))
  let provider = await start(directory, ports)
  const factory = new ConnectionFactory(`amqp://127.0.0.1:${ports[1]}`)
  try {
    {
      await using connection = await factory.createConnection()
      await using session = await connection.createSession()
      await using producer = await session.createProducer()
      for (let i = 0; i < COINS; i++) {
        const queue = session.createQueue(`account-${i % ACCOUNTS}`)
        await producer.send(queue, session.createTextMessage(`coin ${i}`))
      }
    }
    const stop = new AbortController()
    let moved = 0
    const movers = Array.from({ length: MOVERS }, (_, i) =>
      move(factory, { seed: i + 1, stop: stop.signal, onMoved: () => moved++ }),
    )
    const aFewMoved = (): Promise<void> => {
      const before = moved
      return until(() => moved - before >= 8, 60_000)
    }
    for (let round = 0; round < ROUNDS; round++) {
      await aFewMoved()
      await new Promise((resolve) => setTimeout(resolve, random.integer(500)))
      const gone = new Promise((resolve) => provider.on('exit', resolve))
      provider.kill('SIGKILL')
      await gone
      provider = await start(directory, ports)
    }
    await aFewMoved()
    stop.abort()
    await Promise.all(movers)
    const coins: string[] = []
    for (let i = 0; i < ACCOUNTS; i++) coins.push(...(await drain(factory, `account-${i}`)))
    const expected = Array.from({ length: COINS }, (_, i) => `coin ${i}`)
    assert.deepEqual(coins.toSorted(), expected.toSorted())
    // A commit whose reply was lost with the provider may have taken effect.
    const moves = (await drain(factory, 'moves')).length
    assert.ok(
      moves >= moved && moves <= moved + ROUNDS * MOVERS,
      `${moved} moved, ${moves} confirmed`,
    )
  } finally {
    provider.kill('SIGKILL')
    rmSync(directory, { recursive: true, force: true })
  }
})
