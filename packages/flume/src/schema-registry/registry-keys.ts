// SPDX-License-Identifier: Apache-2.0
import {
  type CheckProblem,
  choice,
  optionalText,
  parsed,
  prefixed,
  requiredParsed,
  type ValuesOf,
} from '../config/keys.ts'
import { checkPart, findPart, type Part } from '../config/part.ts'
import { reasonOf } from '../errors.ts'
import { checkClientProperties } from '../kafka/client-properties.ts'

/** Keys of a registry's client, with the names of Java's serializers. */
export const registryKeys = {
  urls: requiredParsed(parseUrls, { key: 'schema.registry.url' }),
  credentialsSource: choice(['URL', 'USER_INFO'], 'URL', {
    key: 'basic.auth.credentials.source',
    alsoKnownAs: ['schema.registry.basic.auth.credentials.source'],
  } as const),
  user: parsed<UserInfo | undefined>(parseUser, undefined, {
    key: 'basic.auth.user.info',
    alsoKnownAs: ['schema.registry.basic.auth.user.info'],
  }),
  token: optionalText({
    key: 'bearer.auth.token',
    alsoKnownAs: ['schema.registry.bearer.auth.token'],
  }),
  ssl: prefixed('schema.registry.ssl.'),
}

/** Values of the keys of a registry's client. */
export type RegistryConfig = Pick<ValuesOf<typeof registryKeys>, 'urls' | 'user' | 'token' | 'ssl'>

/** User and password of basic authentication. */
export interface UserInfo {
  readonly username: string
  readonly password: string
}

/** Addresses separated by commas; throws an `Error` that names the allowed form. */
export function parseUrls(text: string): readonly string[] {
  const urls = text
    .split(',')
    .map((url) => url.trim())
    .filter((url) => url !== '')
  if (urls.length > 0 && urls.every(isHttpUrl)) return urls
  throw new Error('http://HOST:PORT or https://HOST:PORT, several separated by commas')
}

function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)
}

function parseUser(text: string): UserInfo {
  const at = text.indexOf(':')
  if (at <= 0) throw new Error('NAME:PASSWORD')
  return { username: text.slice(0, at), password: text.slice(at + 1) }
}

/**
 * The part that a `type` names. Flume has no such key and ignores it, so an unknown type is `none`:
 * bytes are not converted.
 */
export function registryPart(parts: readonly Part[], type: string): Part {
  try {
    return findPart(parts, { type })
  } catch {
    return { type: 'none', keys: {} }
  }
}

/**
 * Problems with the type and entries of a part that uses a registry. `key` is the spelling of its
 * type.
 */
export function checkRegistryPart(
  parts: readonly Part[],
  key: string,
  type: string,
  entries: ReadonlyMap<string, string>,
): CheckProblem[] {
  try {
    findPart(parts, { type })
  } catch (error) {
    // A user's file may have any value here, since Flume ignores the key.
    const message = `is ${JSON.stringify(type.trim())}, which is ignored, as in Flume; expected ${reasonOf(error)}`
    return [{ key, message, effect: 'none' }]
  }
  const problems = checkPart(parts, key, { type }, entries, { isLate: false })
  const hasRegistry = 'ssl' in findPart(parts, { type }).keys
  return hasRegistry ? [...problems, ...checkSsl(`${key}.`, entries)] : problems
}

/** Problems with the keys of TLS. */
export function checkSsl(prefix: string, entries: ReadonlyMap<string, string>): CheckProblem[] {
  const ssl = new Map<string, string>()
  for (const [name, value] of entries) {
    if (name.startsWith('schema.registry.ssl.'))
      ssl.set(name.slice('schema.registry.'.length), value)
  }
  if (ssl.size === 0) return []
  ssl.set('security.protocol', 'SSL')
  return checkClientProperties('admin', `${prefix}schema.registry.`, ssl)
}
