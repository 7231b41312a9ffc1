// SPDX-License-Identifier: Apache-2.0
import { InvalidSchemaError } from '../schema/schema.ts'
import type { JsonNode } from './json-text.ts'

/** Drafts of JSON Schema that are understood. */
export type Draft = '4' | '6' | '7' | '2019-09' | '2020-12'

const drafts: ReadonlyMap<string, Draft> = new Map([
  ['json-schema.org/draft-04/schema', '4'],
  ['json-schema.org/schema', '4'],
  ['json-schema.org/draft-06/schema', '6'],
  ['json-schema.org/draft-07/schema', '7'],
  ['json-schema.org/draft/2019-09/schema', '2019-09'],
  ['json-schema.org/draft/2020-12/schema', '2020-12'],
])

/** The draft whose meta-schema has this address, with or without a final `#`. */
export function draftOfAddress(address: string): Draft | undefined {
  return drafts.get(address.replace(/^https?:\/\//, '').replace(/#$/, ''))
}

/** The draft that a document declares with `$schema`; `fallback` without or with an unknown one. */
export function draftOf(document: JsonNode, fallback: Draft): Draft {
  if (document.kind !== 'object') return fallback
  const declared = document.members.get('$schema')
  if (declared === undefined) return fallback
  if (declared.kind !== 'string') {
    throw new InvalidSchemaError(`$schema must be a string, found a value of type ${declared.kind}`)
  }
  return draftOfAddress(declared.value) ?? fallback
}

/** Whether a draft has the vocabulary of 2019-09: `$defs`, `unevaluated…`, siblings of `$ref`. */
export function isModern(draft: Draft): boolean {
  return draft === '2019-09' || draft === '2020-12'
}
