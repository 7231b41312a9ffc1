// SPDX-License-Identifier: Apache-2.0
import { nearestSpelling } from '@millrace/base'
import {
  type CheckProblem,
  type KeyProblem,
  type Keys,
  type PartType,
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

/** The part that a `type` names: the user's own, or a built-in one, ignoring case. Throws an `Error` that lists what there is. */
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

/** Whether a `type` looks like a Java class: Flume looks for it only when the component needs it. */
export function isJavaClass(type: string): boolean {
  return /^[a-z_$][\w$]*(\.[\w$]+)+$/i.test(type.trim())
}

/** The Java class that a part names and that is not here; undefined for a part that there is. */
export function missingClass(all: readonly Part[], part: PartType): string | undefined {
  if (part.custom !== undefined || !isJavaClass(part.type)) return undefined
  const wanted = part.type.trim().toLowerCase()
  const isThere = all.some((each) => each.aliases?.some((name) => name.toLowerCase() === wanted))
  return isThere ? undefined : part.type.trim()
}

function asProperties(entries: ReadonlyMap<string, string>): Map<string, Property> {
  return new Map([...entries].map(([key, value]) => [key, { value, line: undefined, where: '' }]))
}

/**
 * Problems with a part's type and entries. `key` is how the file spells the type, `prefix` what its entries begin with. A Java class
 * that is not here is a warning when Flume looks for it only as the component runs (`isLate`).
 */
export function checkPart(
  all: readonly Part[],
  key: string,
  part: PartType,
  entries: ReadonlyMap<string, string>,
  { isLate }: { readonly isLate: boolean },
): CheckProblem[] {
  const missing = missingClass(all, part)
  if (missing !== undefined && !isLate) {
    return [{ key, message: `is ${missing}, a Java class that is not here` }]
  }
  if (missing !== undefined) {
    const message = `is ${missing}, a Java class that is not here; the component fails when it uses it`
    return [{ key, message, effect: 'none' }]
  }
  try {
    const problems: KeyProblem[] = []
    readKeys(findPart(all, part).keys, asProperties(entries), problems)
    return problems.map(({ key: own, message, effect }) => ({
      key: `${key}.${own}`,
      message,
      effect,
    }))
  } catch (error) {
    const given = JSON.stringify(part.type)
    return [{ key, message: `is ${given}; expected ${(error as Error).message}` }]
  }
}

/** The values of a part's entries, which were checked. */
export function readPart<K extends Keys>(
  { keys }: Part<K>,
  entries: ReadonlyMap<string, string>,
): ValuesOf<K> {
  return readKeys(keys, asProperties(entries), [])
}
