// SPDX-License-Identifier: Apache-2.0
import { type Session as AmqpSession, Condition, JmsCapability } from '@millrace/amqp'
import type { Connection } from './connection.ts'
import { InvalidDestinationException, JMSException, jmsException } from './exceptions.ts'

/** Looks up a durable subscription by its link's name, and closes that link for good. */
export function unsubscribe(connection: Connection, name: string): Promise<void> {
  let attempts = 0
  return connection.onHiddenSession(async (session) => {
    try {
      attempts++
      await unsubscribeOn(session, connection, name)
    } catch (error) {
      // The attempt before this one may have done it, and lost the answer with its connection.
      if (attempts === 1 || !(error instanceof InvalidDestinationException)) throw error
    }
  })
}

async function unsubscribeOn(
  session: AmqpSession,
  connection: Connection,
  name: string,
): Promise<void> {
  const link = session.receiver(connection.hasClientId ? name : `${name}|global`)
  link.attach({
    source: undefined,
    target: { kind: 'target' },
    desiredCapabilities: connection.hasClientId
      ? undefined
      : [JmsCapability.shared, JmsCapability.global],
  })
  const ended = Promise.withResolvers<void>()
  ended.promise.catch(() => {})
  link.handler = {
    onDelivery() {},
    onDetach(detach) {
      if (detach === undefined) {
        ended.reject(new JMSException(`subscription ${name}: the connection was lost`))
        return
      }
      if (detach.error === undefined) {
        ended.resolve()
        return
      }
      const { condition, description } = detach.error
      const told = `subscription ${name}: ${description ?? condition}`
      ended.reject(
        condition === Condition.notFound
          ? new InvalidDestinationException(told, condition)
          : new JMSException(told, condition),
      )
    },
  }
  try {
    await connection.limited(link.attached, `unsubscribing ${name}`)
  } catch (error) {
    if (link.isRemotelyDetached) link.detach({ closed: true })
    throw jmsException(error, `cannot unsubscribe ${name}`)
  }
  // A provider that does not know it says so by a source of nothing.
  if (link.remote?.source === undefined) {
    await ended.promise.finally(() => link.detach({ closed: true }))
    return
  }
  link.detach({ closed: true })
  await connection.limited(ended.promise, `unsubscribing ${name}`)
}
