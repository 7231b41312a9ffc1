// SPDX-License-Identifier: Apache-2.0
import type { ResolvedReference, SchemaType } from '../schema/schema.ts'

/** A schema whose types are to be generated. */
export interface TypedSchema {
  /** Name of the type of its values, for schemas without a name: usually the subject. */
  readonly name: string
  /** Format. */
  readonly type: SchemaType
  /** Text. */
  readonly schema: string
  /** All schemas that it reaches through references, a schema after those that it uses. */
  readonly resolved: readonly ResolvedReference[]
}
