// SPDX-License-Identifier: Apache-2.0
import { type ComponentContext, defineInterceptor } from '../component.ts'
import { type CheckProblem, prefixed, requiredWords } from '../config/keys.ts'
import { JodaFormat } from '../joda/joda-format.ts'
import { requiredPattern } from '../regex/pattern-keys.ts'
import { BodyPattern } from './body-patterns.ts'
import { rareWarning } from './rare-warning.ts'

/** Maps the text of a group to the value of a header; undefined sets none. */
type GroupSerializer = (value: string) => string | undefined

export const regexExtractor = defineInterceptor({
  type: 'regex_extractor',
  aliases: ['org.apache.flume.interceptor.RegexExtractorInterceptor$Builder'],
  about: 'what groups of a pattern match, as headers',
  keys: {
    regex: requiredPattern({ usesGroups: true }),
    serializers: requiredWords(),
    entries: prefixed('serializers.'),
  },
  check({ serializers, entries }) {
    const problems: CheckProblem[] = []
    for (const name of serializers) {
      if ((entries.get(`${name}.name`) ?? '') === '') {
        problems.push({ key: `serializers.${name}.name`, message: 'is missing: the header to set' })
      }
      try {
        formatOf(name, entries)
      } catch (error) {
        problems.push({ key: `serializers.${name}.type`, message: (error as Error).message })
      }
    }
    for (const key of entries.keys()) {
      const known = serializers.some((name) =>
        [`${name}.type`, `${name}.name`, `${name}.pattern`].includes(key),
      )
      if (!known)
        problems.push({ key: `serializers.${key}`, message: 'is not known', effect: 'none' })
    }
    return problems
  },
  create({ regex, serializers, entries }, context) {
    const bodies = new BodyPattern(regex, context)
    const groups = serializers.map((name) => ({
      header: entries.get(`${name}.name`) as string,
      serialize: groupSerializer(formatOf(name, entries), context),
    }))
    return {
      intercept: (events) =>
        bodies.filter(
          events,
          ({ body }) => body.toString(),
          ({ headers }, text) => {
            const match = regex.find(text)
            if (match === undefined) return true
            for (const [index, { header, serialize }] of groups.entries()) {
              const value = match[index + 1]
              const serialized = value === undefined ? undefined : serialize(value)
              if (serialized !== undefined) headers[header] = serialized
            }
            return true
          },
        ),
    }
  },
})

/**
 * Date format of a serializer of type `millis`; undefined for the default one. Throws for other
 * types.
 */
function formatOf(name: string, entries: ReadonlyMap<string, string>): JodaFormat | undefined {
  const type = entries.get(`${name}.type`) ?? 'DEFAULT'
  switch (type) {
    case 'DEFAULT':
    case 'default':
    case 'org.apache.flume.interceptor.RegexExtractorInterceptorPassThroughSerializer':
      return undefined
    case 'millis':
    case 'org.apache.flume.interceptor.RegexExtractorInterceptorMillisSerializer': {
      const pattern = entries.get(`${name}.pattern`)
      if (pattern === undefined) {
        throw new Error(`needs serializers.${name}.pattern, as in yyyy-MM-dd HH:mm`)
      }
      return new JodaFormat(pattern)
    }
    default:
      throw new Error(`is ${JSON.stringify(type)}; expected default or millis`)
  }
}

/** An invalid time sets no header. Flume fails the whole batch, again with each retry. */
function groupSerializer(
  format: JodaFormat | undefined,
  context: ComponentContext,
): GroupSerializer {
  if (format === undefined) return (value) => value
  const warn = rareWarning(context)
  return (value) => {
    const millis = format.parse(value, context.world.clock.now())
    if (millis !== undefined) return String(millis)
    warn('a text is not a time of the format; the header is not set', {
      format: format.pattern,
      text: value.slice(0, 100),
    })
    return undefined
  }
}
