// SPDX-License-Identifier: Apache-2.0
import { elementAt } from '@millrace/base'

/** A rule of `ipFilterRules`: the first that fits decides. */
export interface Rule {
  readonly allows: boolean
  readonly byName: boolean
  readonly pattern: RegExp
}

/**
 * Reads `allow|deny:ip|name:pattern`, with commas between; throws an `Error` that says what is
 * allowed.
 */
export function parseIpFilterRules(text: string): readonly Rule[] {
  return text
    .split(',')
    .map((rule) => rule.trim())
    .filter((rule) => rule !== '')
    .map((rule) => {
      const match = /^(allow|deny):(ip|name):(.+)$/.exec(rule)
      if (match === null) {
        throw new Error('allow or deny, ip or name, and a pattern, as in allow:ip:127.*,deny:ip:*')
      }
      const pattern = elementAt(match, 3)
        .replace(/[.+?^${}()|[\]\\]/g, '\\$&')
        .replaceAll('*', '.*')
      return {
        allows: match[1] === 'allow',
        byName: match[2] === 'name',
        pattern: new RegExp(`^${pattern}$`),
      }
    })
}

/** Whether a peer may connect. Names are of this machine only: no name is resolved. */
export function isAllowed(rules: readonly Rule[], address: string): boolean {
  const plain = address.replace(/^::ffff:/, '')
  const isLocal = /^127\.|^::1$/.test(plain)
  const rule = rules.find(({ byName, pattern }) =>
    byName ? isLocal && pattern.test('localhost') : pattern.test(plain),
  )
  return rule?.allows ?? true
}
