// SPDX-License-Identifier: Apache-2.0
import type { ReceiverLink } from '@millrace/amqp'
import type { Connection } from './connection.ts'

/** Interval at which an unanswered drain is requested again, milliseconds. */
const REPEAT_MS = 1000

/** A drain that the provider has to answer. */
export interface Drain {
  readonly link: ReceiverLink
  /** Resolves when the drain is answered, or when the answer no longer matters. */
  readonly answered: Promise<void>
  /** Named in the error of a drain that times out. */
  readonly what: string
  /** Time limit, milliseconds; default `requestTimeoutMs` of the connection. */
  readonly timeoutMs?: number
}

/**
 * Asks the provider to send its available messages and to return unused credit, and waits for the
 * answer. The request is repeated until it is answered, because a provider may drop a request that
 * arrives while it is delivering.
 *
 * @throws {JMSException} `JMS_TIMEOUT` if there is no answer within the time limit.
 */
export async function drain(
  connection: Pick<Connection, 'clock' | 'limited'>,
  { link, answered, what, timeoutMs }: Drain,
): Promise<void> {
  link.drain()
  const repeat = (): void => {
    if (link.isDraining) link.drain()
    timer = connection.clock.setTimer(REPEAT_MS, repeat)
  }
  let timer = connection.clock.setTimer(REPEAT_MS, repeat)
  try {
    await connection.limited(answered, what, timeoutMs)
  } finally {
    timer.cancel()
  }
}
