// SPDX-License-Identifier: Apache-2.0
import { MillraceError } from '@millrace/base'
import type { CompatibilityReason } from '@millrace/schema-registry/serdes'

/** A reason against a schema; other registries than millrace's leave parts of it out. */
export type Reason = Pick<CompatibilityReason, 'path' | 'errorType' | 'rule'> &
  Partial<CompatibilityReason>

/** Reads what Confluent's messages say: `{errorType:'…', description:'…', additionalInfo:'…'}`. */
export function reasonsOfMessages(messages: readonly string[]): readonly Reason[] {
  const reasons = messages.flatMap((message) => {
    const [, errorType] = /^\{\s*errorType\s*:\s*['"](.*?)['"]/.exec(message) ?? []
    if (errorType === undefined) return []
    const field = (name: string): string =>
      new RegExp(`${name}\\s*:\\s*(['"])(.*?)\\1(?=\\s*[,}])`, 's').exec(message)?.[2] ?? ''
    const description = field('description')
    const info = field('additionalInfo')
    const [, path] = /path '(.*?)'/.exec(description) ?? []
    return [
      {
        path: path ?? '',
        errorType,
        rule: info === '' ? description : `${description} (${info})`,
      },
    ]
  })
  if (reasons.length > 0) return reasons
  // Other servers have messages in a form of their own.
  return messages
    .filter((message) => !/^\{\s*(oldSchema|oldSchemaVersion|validateFields)\b/.test(message))
    .map((message) => ({ path: '', errorType: '', rule: message }))
}

/** Paragraphs for people, one for each reason. */
export function reasonLines(reasons: readonly Reason[]): string[] {
  return reasons.flatMap(({ path, errorType, rule, remedy, version, direction }) => [
    `  ${[path, errorType].filter((part) => part !== '').join('  ') || 'reason'}`,
    ...(version === undefined || direction === undefined
      ? []
      : [`    version ${version}, ${direction.toLowerCase()}`]),
    `    rule    ${rule}`,
    ...(remedy === undefined ? [] : [`    remedy  ${remedy}`]),
  ])
}

/** A schema that breaks its subject's compatibility level, with the reasons in the message. */
export class IncompatibleSchemaError extends MillraceError {
  override readonly name = 'IncompatibleSchemaError'

  /** Creates the error. */
  constructor(subject: string, reasons: readonly Reason[]) {
    super(
      'MILLRACE_INCOMPATIBLE_SCHEMA',
      [`incompatible with ${subject}`, ...reasonLines(reasons)].join('\n'),
    )
  }
}
