// SPDX-License-Identifier: Apache-2.0
import { charsetOf } from '../charsets/charset.ts'
import { defineInterceptor } from '../component.ts'
import { parsed, text } from '../config/keys.ts'
import { JavaPattern } from '../regex/java-pattern.ts'
import { requiredPattern } from '../regex/pattern-keys.ts'
import { Replacement } from '../regex/replacement.ts'
import { BodyPattern } from './body-patterns.ts'

/**
 * The pattern, compiled for the groups of the replacement. Throws an `Error` for a group that does
 * not exist.
 */
function prepared(
  given: JavaPattern,
  replaceString: string,
): { readonly pattern: JavaPattern; readonly replacement: Replacement } {
  const replacement = new Replacement(replaceString, given)
  const pattern = replacement.usesGroups
    ? new JavaPattern(given.pattern, { usesGroups: true })
    : given
  return { pattern, replacement }
}

export const searchReplace = defineInterceptor({
  type: 'search_replace',
  aliases: ['org.apache.flume.interceptor.SearchAndReplaceInterceptor$Builder'],
  about: 'replaces what matches in the body',
  keys: {
    searchPattern: requiredPattern(),
    replaceString: text(''),
    charset: parsed(charsetOf, charsetOf('UTF-8')),
  },
  check({ searchPattern, replaceString }) {
    try {
      prepared(searchPattern, replaceString)
      return []
    } catch (error) {
      const given = JSON.stringify(replaceString)
      return [
        { key: 'replaceString', message: `is ${given}; expected ${(error as Error).message}` },
      ]
    }
  },
  create({ searchPattern, replaceString, charset }, context) {
    const { pattern, replacement } = prepared(searchPattern, replaceString)
    const bodies = new BodyPattern(pattern, context)
    return {
      intercept: (events) =>
        bodies.filter(
          events,
          ({ body }) => charset.decode(body),
          (event, body) => {
            const changed = pattern.replaceAll(body, (groups) => replacement.expand(groups))
            if (changed !== body) event.body = charset.encode(changed)
            return true
          },
        ),
    }
  },
})
