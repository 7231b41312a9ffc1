// SPDX-License-Identifier: Apache-2.0
import { MillraceError } from '@millrace/base'
import type { ClusterMetadata } from '../metadata/metadata.ts'

/** What a consumer reads: topics as a member of a group, or partitions assigned by hand. */
export type Subscription =
  | { readonly kind: 'none' }
  | { readonly kind: 'topics'; readonly topics: readonly string[] }
  | { readonly kind: 'pattern'; readonly pattern: RegExp }
  | { readonly kind: 'assigned' }

/** A subscription to topics by name; `none` without names. Throws `MILLRACE_INVALID_TOPIC`. */
export function subscriptionToTopics(names: readonly string[]): Subscription {
  for (const name of names) {
    if (typeof name !== 'string' || name === '') {
      throw new MillraceError(
        'MILLRACE_INVALID_TOPIC',
        `cannot subscribe to topic ${JSON.stringify(name)}`,
      )
    }
  }
  if (names.length === 0) return { kind: 'none' }
  return { kind: 'topics', topics: [...new Set(names)].sort() }
}

/** A subscription to all topics whose name matches; a match does not depend on the one before. */
export function subscriptionToPattern(pattern: RegExp): Subscription {
  const flags = pattern.flags.replace(/[gy]/g, '')
  return { kind: 'pattern', pattern: new RegExp(pattern.source, flags) }
}

/** Whether a group assigns the partitions. */
export function isOfGroup({ kind }: Subscription): boolean {
  return kind === 'topics' || kind === 'pattern'
}

/** Topics subscribed by name, or those that the pattern matches now; sorted. */
export function subscribedTopics(
  subscription: Subscription,
  topics: ClusterMetadata['topics'],
  { excludeInternalTopics }: { readonly excludeInternalTopics: boolean },
): readonly string[] {
  if (subscription.kind === 'topics') return subscription.topics
  if (subscription.kind !== 'pattern') return []
  return [...topics.values()]
    .filter(({ isInternal }) => !(isInternal && excludeInternalTopics))
    .map(({ name }) => name)
    .filter((name) => subscription.pattern.test(name))
    .sort()
}
