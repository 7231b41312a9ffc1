// SPDX-License-Identifier: Apache-2.0
import { defineInterceptor } from '../component.ts'
import { boolean } from '../config/keys.ts'
import { pattern } from '../regex/pattern-keys.ts'
import { BodyPattern } from './body-patterns.ts'

export const regexFilter = defineInterceptor({
  type: 'regex_filter',
  aliases: ['org.apache.flume.interceptor.RegexFilteringInterceptor$Builder'],
  about: 'lets events through whose body matches, or does not',
  keys: { regex: pattern('.*'), excludeEvents: boolean(false) },
  create({ regex, excludeEvents }, context) {
    const bodies = new BodyPattern(regex, context)
    return {
      intercept: (events) =>
        bodies.filter(
          events,
          ({ body }) => body.toString(),
          (_event, text) => regex.test(text) !== excludeEvents,
        ),
    }
  },
})
