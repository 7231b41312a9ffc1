// SPDX-License-Identifier: Apache-2.0
import { ProtocolError } from '@millrace/protocol'
import type { TopicsView } from '../modern/topics-view.ts'

/**
 * Compiles a pattern; throws `INVALID_REGULAR_EXPRESSION`. The syntax is the common subset of RE2
 * and JavaScript.
 */
export function compileTopicRegex(regex: string): RegExp {
  try {
    return new RegExp(`^(?:${regex})$`, 'u')
  } catch (error) {
    throw new ProtocolError(
      'INVALID_REGULAR_EXPRESSION',
      `SubscribedTopicRegex \`${regex}\` is not a valid regular expression: ${(error as Error).message}.`,
    )
  }
}

/**
 * Names of the topics that match completely and that the member is authorized to describe, sorted.
 */
export function resolveTopicRegex(
  regex: string,
  topics: TopicsView,
  mayDescribe: (topic: string) => boolean = () => true,
): string[] {
  const pattern = compileTopicRegex(regex)
  return [...topics.names()].filter((name) => pattern.test(name) && mayDescribe(name)).sort()
}
