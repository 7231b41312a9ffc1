// SPDX-License-Identifier: Apache-2.0
import { MillraceError } from '@millrace/base'
import { ConsumerGroupHeartbeatRequest } from '@millrace/protocol'
import type { TopicPartition } from '../../topic-partition.ts'
import type {
  Generation,
  GroupLink,
  JoinResult,
  JoinSubscription,
  Membership,
} from './membership.ts'

/**
 * Uses the consumer protocol if the cluster has it, else the classic one. The first join decides,
 * for good: a cluster without `group.version` 1, or a classic group that must stay classic, accepts
 * classic members only.
 */
export class NegotiatedMembership implements Membership {
  readonly #link: GroupLink
  readonly #modern: Membership
  readonly #classic: () => Membership
  #chosen: Membership | undefined
  #isSettled = false

  constructor(
    link: GroupLink,
    options: { readonly modern: Membership; readonly classic: () => Membership },
  ) {
    this.#link = link
    this.#modern = options.modern
    this.#classic = options.classic
  }

  get #current(): Membership {
    return this.#chosen ?? this.#modern
  }

  async join(subscription: JoinSubscription): Promise<JoinResult> {
    if (this.#isSettled) return this.#current.join(subscription)
    if (!(await this.#hasConsumerProtocol())) this.#fallBack()
    try {
      const result = await this.#current.join(subscription)
      this.#isSettled = true
      return result
    } catch (error) {
      const isRefused =
        error instanceof MillraceError &&
        (error.code === 'GROUP_ID_NOT_FOUND' || error.code === 'UNSUPPORTED_VERSION')
      if (!isRefused || this.#chosen !== undefined) throw error
      this.#fallBack()
      return this.join(subscription)
    }
  }

  #fallBack(): void {
    const { lastProgressMs } = this.#modern
    this.#modern.close()
    this.#chosen = this.#classic()
    this.#chosen.lastProgressMs = lastProgressMs
    this.#isSettled = true
  }

  async #hasConsumerProtocol(): Promise<boolean> {
    const { cluster, groupId } = this.#link
    for (let attempt = 0; ; attempt++) {
      try {
        const node = await cluster.coordinator('group', groupId)
        const connection = await cluster.connect(node.id, 'coordinator')
        const level = connection.features?.finalizedFeatures.find(
          ({ name }) => name === 'group.version',
        )?.maxVersionLevel
        // Members of version 0 get their id from the broker; it is lost with the reply.
        return (level ?? 0) >= 1 && (connection.versionOf(ConsumerGroupHeartbeatRequest) ?? 0) >= 1
      } catch (error) {
        const mayTry = error instanceof MillraceError && error.retriable && !cluster.isClosed
        if (!mayTry) throw error
        this.#link.forget()
        await cluster.backOff(attempt)
      }
    }
  }

  get generation(): Generation {
    return this.#current.generation
  }
  get isMember(): boolean {
    return this.#current.isMember
  }
  get isCooperative(): boolean {
    return this.#current.isCooperative
  }
  get needsJoin(): boolean {
    return this.#current.needsJoin
  }
  set needsJoin(value: boolean) {
    this.#current.needsJoin = value
  }
  get isLost(): boolean {
    return this.#current.isLost
  }
  set isLost(value: boolean) {
    this.#current.isLost = value
  }
  get fatal(): Error | undefined {
    return this.#current.fatal
  }
  get lastProgressMs(): () => number {
    return this.#current.lastProgressMs
  }
  set lastProgressMs(value: () => number) {
    this.#current.lastProgressMs = value
  }
  assignmentApplied(owned: readonly TopicPartition[], tookAway: boolean): void {
    this.#current.assignmentApplied(owned, tookAway)
  }
  requestJoin(): void {
    this.#current.requestJoin()
  }
  lose(): void {
    this.#current.lose()
  }
  leave(reason: string): Promise<void> {
    return this.#current.leave(reason)
  }
  close(): void {
    this.#current.close()
  }
}
