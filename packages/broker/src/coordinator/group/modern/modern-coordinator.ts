// SPDX-License-Identifier: Apache-2.0
import { ProtocolError } from '@millrace/protocol'
import { type Group, groupNotFoundText } from '../group.ts'
import type { GroupConfig } from '../group-config.ts'
import type { GroupEffects } from '../group-effects.ts'
import { isAssignmentDue } from './assignment-due.ts'
import { GroupDraft, type Replayable } from './group-draft.ts'
import { heartbeatIntervalMs } from './heartbeat-interval.ts'
import { groupIsFull, type ModernKind } from './member-errors.ts'
import type { ModernGroup, ModernMember } from './modern-group.ts'
import type { TopicsView } from './topics-view.ts'

/** Limits, groups and topics that a coordinator decides by. */
export interface CoordinatorOptions {
  /** Groups of all kinds. */
  readonly groups: ReadonlyMap<string, Group>
  readonly config: GroupConfig
  readonly topics: TopicsView
}

type GroupClass<G> = new (groupId: string, source?: G) => G

/** What the coordinators of the three protocols with heartbeats have in common. */
export abstract class ModernCoordinator<
  G extends Group & Replayable & ModernGroup<ModernMember, unknown>,
> {
  protected readonly groups: ReadonlyMap<string, Group>
  protected readonly config: GroupConfig
  protected readonly topics: TopicsView
  readonly #kind: ModernKind
  readonly #groupClass: GroupClass<G>

  protected constructor(kind: ModernKind, groupClass: GroupClass<G>, options: CoordinatorOptions) {
    this.#kind = kind
    this.#groupClass = groupClass
    this.groups = options.groups
    this.config = options.config
    this.topics = options.topics
  }

  /** A group of this kind; undefined if there is none of the id, or if it is of another kind. */
  find(groupId: string): G | undefined {
    const group = this.groups.get(groupId)
    return group instanceof this.#groupClass ? group : undefined
  }

  /** `GROUP_ID_NOT_FOUND`: the group does not exist, or is of another kind. */
  protected notFound(groupId: string): ProtocolError {
    const text = groupNotFoundText(groupId, this.#kind, this.groups.has(groupId))
    return new ProtocolError('GROUP_ID_NOT_FOUND', text)
  }

  /** Creates the draft of a group on which a step works. */
  draft(fx: GroupEffects, group: G): GroupDraft<G> {
    const GroupOfKind = this.#groupClass
    return new GroupDraft(group, fx, (source) => new GroupOfKind(source.groupId, source))
  }

  /** A setting of groups of this kind, by its name without the kind. */
  protected setting(groupId: string, name: string): number {
    return this.config.settings.number(groupId, `${this.#kind}.${name}`)
  }

  /** Throws `GROUP_MAX_SIZE_REACHED` if a member that the group does not have cannot join. */
  throwIfFull(group: G, memberId: string): void {
    const { maxSize } = this.config[this.#kind]
    const isMember = memberId !== '' && group.members.has(memberId)
    if (group.members.size >= maxSize && !isMember) throw groupIsFull(this.#kind, maxSize)
  }

  /** Heartbeat interval of a member; it is settled once it has what the group's epoch gives it. */
  protected intervalMs(draft: GroupDraft<G>, nowMs: number, isSettled: boolean): number {
    const { group, hasChanged } = draft
    return heartbeatIntervalMs(this.setting(group.groupId, 'heartbeat.interval.ms'), {
      memberCount: group.members.size,
      isSettled,
      sinceChangeMs: hasChanged ? 0 : nowMs - group.changedMs,
    })
  }

  /**
   * Whether the target assignment is computed now: `unchanged` if it is that of the group's epoch,
   * `later` if the interval between two assignments has not passed.
   */
  protected targetDue(group: G, nowMs: number): 'now' | 'later' | 'unchanged' {
    if (group.assignmentEpoch >= group.groupEpoch) return 'unchanged'
    const intervalMs = this.setting(group.groupId, 'assignment.interval.ms')
    return isAssignmentDue(group, intervalMs, nowMs) ? 'now' : 'later'
  }

  /** After the log was replayed: restarts the timers of all members. */
  restoreTimers(fx: GroupEffects, nowMs: number): void {
    for (const { groupId } of this.groups.values()) {
      const group = this.find(groupId)
      if (group === undefined) continue
      for (const memberId of group.members.keys()) this.restoreMember(fx, group, memberId, nowMs)
    }
  }

  /** Restarts the timers of one member. */
  protected abstract restoreMember(
    fx: GroupEffects,
    group: G,
    memberId: string,
    nowMs: number,
  ): void
}
