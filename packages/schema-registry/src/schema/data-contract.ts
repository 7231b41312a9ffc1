// SPDX-License-Identifier: Apache-2.0

/** Metadata of a schema (`metadata`), stored and returned unchanged. */
export interface SchemaMetadata {
  /** Tags by path in the schema. */
  readonly tags?: Readonly<Record<string, readonly string[]>>
  /** Properties by name. */
  readonly properties?: Readonly<Record<string, string>>
  /** Names of properties whose values are secret. */
  readonly sensitive?: readonly string[]
}

/** One rule of a schema; clients execute it, the registry stores and checks it. */
export interface SchemaRule {
  /** Name, unique within its rule set. */
  readonly name: string
  /** Description. */
  readonly doc?: string
  /** Whether it checks or changes a record. */
  readonly kind?: 'CONDITION' | 'TRANSFORM'
  /** When it runs. Migration rules: UPGRADE, DOWNGRADE, UPDOWN; others: READ, WRITE, WRITEREAD. */
  readonly mode?: 'UPGRADE' | 'DOWNGRADE' | 'UPDOWN' | 'READ' | 'WRITE' | 'WRITEREAD'
  /** Language of the expression, for example `CEL` or `JSONATA`. */
  readonly type?: string
  /** Tags of the fields that it applies to. */
  readonly tags?: readonly string[]
  /** Parameters by name. */
  readonly params?: Readonly<Record<string, string>>
  /** Expression. */
  readonly expr?: string
  /** Action after success, for example `NONE`. */
  readonly onSuccess?: string
  /** Action after a failure, for example `ERROR` or `DLQ`. */
  readonly onFailure?: string
  /** Whether it is not executed. Default false. */
  readonly disabled?: boolean
}

/** Rules of a schema (`ruleSet`). */
export interface RuleSet {
  /** Rules between versions. */
  readonly migrationRules?: readonly SchemaRule[]
  /** Rules on values. */
  readonly domainRules?: readonly SchemaRule[]
  /** Rules on bytes. */
  readonly encodingRules?: readonly SchemaRule[]
  /** When the rules take effect: an ISO date. */
  readonly enableAt?: string
}
