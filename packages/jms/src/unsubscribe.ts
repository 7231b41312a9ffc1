// SPDX-License-Identifier: Apache-2.0
import { AmqpError, type Session as AmqpSession, JmsCapability } from '@millrace/amqp'
import type { Connection } from './connection.ts'
import { InvalidDestinationException, JMSException, jmsException } from './exceptions.ts'

/** Deletes a durable subscription: attaches to it by link name, and closes the link. */
export function unsubscribe(connection: Connection, name: string): Promise<void> {
  let attempts = 0
  return connection.onHiddenSession(async (session) => {
    try {
      attempts++
      await unsubscribeOn(session, connection, name)
    } catch (error) {
      // The previous attempt may have succeeded, with its answer lost.
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
        ended.reject(new JMSException(`subscription ${name}: connection lost`))
        return
      }
      if (detach.error === undefined) {
        ended.resolve()
        return
      }
      const refusal = AmqpError.from(detach.error, 'the provider refused')
      ended.reject(jmsException(refusal, `subscription ${name}`))
    },
  }
  try {
    await connection.limited(link.attached, `unsubscribing ${name}`)
  } catch (error) {
    if (link.isRemotelyDetached) link.detach({ closed: true })
    throw jmsException(error, `cannot unsubscribe ${name}`)
  }
  // For an unknown subscription, a provider answers with an attach without a source.
  if (link.remote?.source === undefined) {
    await ended.promise.finally(() => link.detach({ closed: true }))
    return
  }
  link.detach({ closed: true })
  await connection.limited(ended.promise, `unsubscribing ${name}`)
}
