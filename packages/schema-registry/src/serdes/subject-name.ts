// SPDX-License-Identifier: Apache-2.0

/** What the subject of a record's schema may depend on. */
export interface SubjectContext {
  /** Topic of the record. */
  readonly topic: string
  /** Whether the schema is of the key or the value. */
  readonly part: 'key' | 'value'
  /** Full name of the schema's record or message; undefined if it has none. */
  readonly recordName: string | undefined
}

/**
 * Rule for the subject under which a schema is registered, as in Java's
 * `value.subject.name.strategy`. `topic`: `<topic>-key` or `<topic>-value`. `record`: the record's
 * full name, so that a topic may have several types. `topic-record`: `<topic>-<full name>`.
 */
export type SubjectNameStrategy =
  | 'topic'
  | 'record'
  | 'topic-record'
  | ((context: SubjectContext) => string)

/**
 * Subject of a schema. Throws `TypeError` if the strategy needs the name of a record and the schema
 * has none.
 */
export function subjectName(strategy: SubjectNameStrategy, context: SubjectContext): string {
  if (typeof strategy === 'function') return strategy(context)
  const { topic, part, recordName } = context
  if (strategy === 'topic') return `${topic}-${part}`
  if (recordName === undefined) {
    throw new TypeError(
      `subject name strategy ${strategy} needs a schema with a name, and the schema of the ${part} of topic ${topic} has none`,
    )
  }
  return strategy === 'record' ? recordName : `${topic}-${recordName}`
}
