// SPDX-License-Identifier: Apache-2.0
import {
  accepted,
  EncodedMessage,
  encodeMessage,
  type IncomingDelivery,
  type ReceiverLink,
  textOf,
} from '@millrace/amqp'
import { MillraceError } from '@millrace/base'
import { TEMPORARY_PREFIX } from '../destination/destination-name.ts'
import type { Engine } from '../engine.ts'
import { toRecord } from '../mapping/to-record.ts'
import type { ClientAccess } from '../security/client-access.ts'
import { parseAddress } from './address.ts'
import { Administration } from './administration.ts'
import { amqpErrorOf } from './producer-link.ts'
import type { Subscriptions } from './subscriptions.ts'

/** Address for requests of administration tools. */
export const MANAGEMENT_ADDRESS = '$management'
const CREDIT = 100

/**
 * Answers requests of administration tools. A request has the property `operation`; its other
 * properties are the arguments. The reply, JSON text, is sent to the reply-to address. Errors are
 * reported in the reply's `error` property; `code` is Kafka's name of it or starts `MILLRACE_`.
 */
export class Management {
  readonly #engine: Engine
  readonly #administration: Administration

  constructor(engine: Engine, subscriptions: Subscriptions) {
    this.#engine = engine
    this.#administration = new Administration(engine, subscriptions)
  }

  /** Answers the requests of one link, whose client has `access`. */
  serve(link: ReceiverLink, access: ClientAccess): void {
    link.handler = {
      onDelivery: (delivery) => {
        this.#answer(delivery, access)
          .then(() => {
            if (link.credit < CREDIT / 2) link.setCredit(CREDIT)
          })
          .catch((error: unknown) => link.fail(error))
      },
      onDetach: (detach) => link.detach({ closed: detach?.closed ?? true }),
    }
    link.attach({ source: link.remote?.source, target: link.remote?.target })
    link.setCredit(CREDIT)
  }

  async #answer(delivery: IncomingDelivery, access: ClientAccess): Promise<void> {
    try {
      const message = new EncodedMessage(delivery.payload)
      const { replyTo, messageId, correlationId } = message.properties
      let reply: string
      let error: string | undefined
      let code: string | undefined
      try {
        const given = message.applicationProperties
        const args = (name: string): string => textOf(given.get(name)) ?? ''
        reply = JSON.stringify(await this.#administration.perform(args('operation'), args, access))
      } catch (failure) {
        reply = 'null'
        error = amqpErrorOf(failure).message
        if (failure instanceof MillraceError) code = failure.code
      }
      delivery.update(accepted)
      if (replyTo === undefined) return
      const { name, kind = 'queue' } = parseAddress(replyTo)
      if (!name.startsWith(TEMPORARY_PREFIX)) {
        access.requireTopic('WRITE', this.#engine.topicOf(kind, name))
      }
      const destination = await this.#engine.destination(kind, name)
      const answer = encodeMessage({
        properties: { correlationId: correlationId ?? messageId, to: replyTo },
        applicationProperties: new Map(
          Object.entries({ error, code }).flatMap(([name, text]) =>
            text === undefined ? [] : [[name, text] as const],
          ),
        ),
        body: { kind: 'value', value: reply },
      })
      const nowMs = this.#engine.clock.now()
      await destination.append(toRecord(new EncodedMessage(answer), { nowMs, origin: 0n }))
    } catch (error) {
      delivery.update({ kind: 'rejected', error: amqpErrorOf(error).condition })
    }
  }
}
