// SPDX-License-Identifier: Apache-2.0
import { attempt } from '@millrace/base'
import { AmqpError, Condition, conditionOf } from './amqp-error.ts'
import type { ErrorCondition } from './definitions/messaging.ts'
import type { Attach, Detach } from './definitions/performatives.ts'
import type { Link, LinkHandler, LinkOptions } from './link.ts'
import type { SessionEndpoint } from './session-endpoint.ts'

/** One end of a link. */
export abstract class LinkEndpoint implements Link {
  readonly session: SessionEndpoint
  readonly name: string
  abstract readonly role: 'sender' | 'receiver'
  remote: Attach | undefined
  local: LinkOptions | undefined
  localHandle = -1
  /** Size of the peer's attach frame. */
  attachBytes = 0
  remoteHandle = -1
  /** Messages that may still be sent. */
  credit = 0
  /** Serial number of the next message. */
  deliveryCount = 0
  isDraining = false
  isDetached = false
  isRemotelyDetached = false
  readonly attached: Promise<void>
  protected abstract readonly handlerOrNone: LinkHandler | undefined
  #resolveAttached: () => void = () => {}
  #rejectAttached: (error: Error) => void = () => {}
  #attachedWithoutTerminus = false
  #isFinished = false

  constructor(session: SessionEndpoint, name: string) {
    this.session = session
    this.name = name
    this.attached = new Promise((resolve, reject) => {
      this.#resolveAttached = resolve
      this.#rejectAttached = reject
    })
    // Only clients await this promise.
    this.attached.catch(() => {})
  }

  attach(options: LinkOptions): void {
    this.local = options
    const own = this.role === 'sender' ? options.target : options.source
    this.#attachedWithoutTerminus = own === undefined
    this.session.sendAttach(this, options)
  }

  refuse(error: ErrorCondition): void {
    const { remote } = this
    this.attach(
      this.role === 'receiver'
        ? { source: remote?.source, rcvSettleMode: remote?.rcvSettleMode }
        : { target: remote?.target, sndSettleMode: remote?.sndSettleMode },
    )
    this.detach({ closed: true, error })
  }

  detach(options: { readonly closed: boolean; readonly error?: ErrorCondition | undefined }): void {
    if (this.isDetached) return
    this.isDetached = true
    this.session.sendDetach(this, options)
  }

  onRemoteAttach(remote: Attach): void {
    this.remote = remote
    const terminus = this.role === 'sender' ? remote.target : remote.source
    if (terminus !== undefined || this.#attachedWithoutTerminus) this.#resolveAttached()
  }

  onRemoteDetach(detach: Detach | undefined, failure?: Error, isLost = false): void {
    this.isRemotelyDetached = true
    const what = `link ${this.name} was refused`
    const error =
      failure ??
      (detach?.error === undefined
        ? new AmqpError(Condition.detachForced, what)
        : AmqpError.from(detach.error, what))
    this.#finish(detach, error, isLost)
  }

  #finish(detach: Detach | undefined, error: Error, isLost: boolean): void {
    if (this.#isFinished) return
    this.#isFinished = true
    this.freeBuffers()
    this.#rejectAttached(error)
    const { logger } = this.session.owner
    try {
      this.handlerOrNone?.onDetach(detach, isLost)
    } catch (thrown) {
      if (!(thrown instanceof AmqpError)) {
        logger.error('exception in onDetach of an AMQP link', { link: this.name, error: thrown })
      }
      // Answer the detach even though the owner's handler failed.
      attempt(logger, 'detaching a link', () =>
        this.detach({ closed: detach?.closed ?? true, error: conditionOf(thrown) }),
      )
    }
  }

  /** Discards messages that are partly sent or received. */
  protected abstract freeBuffers(): void

  get isOver(): boolean {
    return this.#isFinished || this.isDetached
  }

  run(work: () => void): void {
    if (this.#isFinished) return
    try {
      work()
    } catch (error) {
      this.fail(error)
    }
  }

  fail(error: unknown): void {
    const { logger } = this.session.owner
    if (!(error instanceof AmqpError)) {
      logger.error('internal error, detaching an AMQP link', { link: this.name, error })
    }
    const condition = conditionOf(error)
    attempt(logger, 'detaching a link', () => {
      if (this.local === undefined && this.remote !== undefined) this.refuse(condition)
      else this.detach({ closed: true, error: condition })
    })
    const failure =
      error instanceof Error ? error : new AmqpError(condition.condition, String(error))
    this.#finish(undefined, failure, true)
  }
}
