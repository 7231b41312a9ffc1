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

/** A part of a component with its own type and keys: a serializer, a deserializer. */
export interface Part<K extends Keys = Keys> {
  readonly type: string
  readonly aliases?: readonly string[]
  readonly keys: K
}

/**
 * The part that a `type` names: user code, or a built-in part, ignoring case. Throws an `Error`
 * that lists the built-in parts.
 */
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

/** Whether a `type` looks like a Java class, which Flume loads when the component needs it. */
export function isJavaClass(type: string): boolean {
  return /^[a-z_$][\w$]*(\.[\w$]+)+$/i.test(type.trim())
}

/** The Java class of a part that is not available; undefined if the part exists. */
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
 * Problems with the type and entries of a part. `key` is the spelling of its type. A missing Java
 * class is a warning if Flume loads it when the component runs (`isLate`).
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

/** Values of the entries of a part, which were checked before. */
export function readPart<K extends Keys>(
  { keys }: Part<K>,
  entries: ReadonlyMap<string, string>,
): ValuesOf<K> {
  return readKeys(keys, asProperties(entries), [])
}
