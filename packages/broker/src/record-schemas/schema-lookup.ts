// SPDX-License-Identifier: Apache-2.0

/** Rule for the subject of a schema, as in `value.subject.name.strategy` of Java's serializers. */
export type SubjectStrategy = 'topic' | 'record' | 'topic-record'

/** Whether a record may have a schema. */
export interface SchemaQuestion {
  /** Topic of the record. */
  readonly topic: string
  /** Whether the schema is of the key or the value. */
  readonly part: 'key' | 'value'
  /** Id in the registry, or GUID. */
  readonly id: number | string
  /** Rule for the subject under which it must be registered. */
  readonly strategy: SubjectStrategy
}

/** A schema registry, as far as the broker needs it. */
export interface SchemaLookup {
  /**
   * Whether the schema is registered under the subject of the record. Rejects if the registry does
   * not answer.
   */
  isRegistered(question: SchemaQuestion): Promise<boolean>
}

/** Parts of a topic's records that must have a registered schema; absent parts are not checked. */
export interface SchemaRules {
  readonly key?: SubjectStrategy
  readonly value?: SubjectStrategy
}
