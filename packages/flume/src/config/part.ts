// SPDX-License-Identifier: Apache-2.0
import { nearestSpelling } from '@millrace/base'
import {
  type Keys,
  type PartType,
  type Problem,
  type Property,
  readKeys,
  type ValuesOf,
} from './keys.ts'

/** A part of a component that has a type and keys of its own: a serializer, a deserializer. */
export interface Part<K extends Keys = Keys> {
  readonly type: string
  readonly aliases?: readonly string[]
  readonly keys: K
}

/** The part that a `type` names: the user's own, or a built-in one, upper and lower case alike; throws an `Error` that says what there is. */
export function findPart<P extends Part>(all: readonly P[], { type, custom }: PartType): P {
  if (custom !== undefined) return custom as P
  const wanted = type.trim().toLowerCase()
  const found = all.find((each) =>
    [each.type, ...(each.aliases ?? [])].some((name) => name.toLowerCase() === wanted),
  )
  if (found !== undefined) return found
  const names = all.map((each) => each.type)
  const nearest = nearestSpelling(type, names)
  throw new Error(`${names.join(', ')}${nearest === undefined ? '' : `; did you mean ${nearest}?`}`)
}

function asProperties(entries: ReadonlyMap<string, string>): Map<string, Property> {
  return new Map([...entries].map(([key, value]) => [key, { value, line: undefined }]))
}

/** What is wrong with a part's type and entries. `key` is how the file spells the type. */
export function checkPart(
  all: readonly Part[],
  key: string,
  part: PartType,
  entries: ReadonlyMap<string, string>,
): { readonly key: string; readonly message: string }[] {
  try {
    const problems: Problem[] = []
    readKeys(findPart(all, part).keys, asProperties(entries), problems)
    return problems.map((problem) => ({ key: `${key}.${problem.key}`, message: problem.message }))
  } catch (error) {
    const given = JSON.stringify(part.type)
    return [{ key, message: `is ${given}; allowed is ${(error as Error).message}` }]
  }
}

/** What a part's entries say; they were checked. */
export function readPart<K extends Keys>(
  { keys }: Part<K>,
  entries: ReadonlyMap<string, string>,
): ValuesOf<K> {
  return readKeys(keys, asProperties(entries), [])
}
