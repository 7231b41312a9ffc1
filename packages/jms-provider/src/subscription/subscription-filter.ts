// SPDX-License-Identifier: Apache-2.0
import type { StoredMessage } from '../mapping/stored-message.ts'
import { originOf } from '../mapping/to-record.ts'
import { Selector } from '../selector/selector.ts'
import type { SubscriptionRecord } from '../state/state-record.ts'

/** Filter of a durable subscription: its selector and noLocal. */
export function filterOf({
  selector,
  noLocalOf,
}: Pick<SubscriptionRecord, 'selector' | 'noLocalOf'>):
  | ((message: StoredMessage) => boolean)
  | undefined {
  const compiled = Selector.compile(selector)
  if (compiled === undefined && noLocalOf === null) return undefined
  const origin = noLocalOf === null ? undefined : originOf(noLocalOf)
  return (message) =>
    message.envelope.origin !== origin && (compiled === undefined || compiled.matches(message))
}
