// SPDX-License-Identifier: Apache-2.0

import { lookup, lookupService } from 'node:dns/promises'
import { hostname } from 'node:os'
import { type ComponentContext, defineInterceptor, type Interceptor } from '../component.ts'
import { javaRegex, javaRegexWhole, javaReplacement } from '../config/java-regex.ts'
import {
  boolean,
  type CheckProblem,
  choice,
  optionalText,
  parsed,
  prefixed,
  requiredParsed,
  requiredWords,
  text,
} from '../config/keys.ts'
import { type Event, hopsOf } from '../event.ts'
import { functionInterceptor } from './function-interceptor.ts'
import { thresholdInterceptor } from './threshold-interceptor.ts'

/** An interceptor that looks at one event at a time and drops none. */
function each(change: (event: Event) => void): Interceptor {
  return {
    intercept(events) {
      for (const event of events) change(event)
      return events
    },
  }
}

const timestamp = defineInterceptor({
  type: 'timestamp',
  aliases: ['org.apache.flume.interceptor.TimestampInterceptor$Builder'],
  about: 'the time in milliseconds, as a header',
  keys: {
    headerName: text('timestamp', { alsoKnownAs: ['header'] }),
    preserveExisting: boolean(false),
  },
  create({ headerName, preserveExisting }, { world }) {
    return {
      intercept(events) {
        const now = String(world.clock.now())
        for (const { headers } of events) {
          if (!preserveExisting || headers[headerName] === undefined) headers[headerName] = now
        }
        return events
      },
    }
  },
})

const host = defineInterceptor({
  type: 'host',
  aliases: ['org.apache.flume.interceptor.HostInterceptor$Builder'],
  about: "this machine's address or name, as a header",
  keys: { preserveExisting: boolean(false), useIP: boolean(true), hostHeader: text('host') },
  create(config, context) {
    return new HostInterceptor(config, context)
  },
})

class HostInterceptor implements Interceptor {
  readonly #config: {
    readonly preserveExisting: boolean
    readonly useIP: boolean
    readonly hostHeader: string
  }
  readonly #context: ComponentContext
  #host: string | undefined

  constructor(
    config: {
      readonly preserveExisting: boolean
      readonly useIP: boolean
      readonly hostHeader: string
    },
    context: ComponentContext,
  ) {
    this.#config = config
    this.#context = context
  }

  async start(): Promise<void> {
    try {
      const { address } = await lookup(hostname(), { family: 4 }).catch(() => lookup(hostname()))
      this.#host = this.#config.useIP
        ? address
        : await lookupService(address, 0).then(
            (found) => found.hostname,
            () => hostname(),
          )
    } catch {
      this.#context.logger.warn('cannot find the address of this machine; no header is set', {
        interceptor: this.#context.name,
      })
    }
  }

  intercept(events: Event[]): Event[] {
    const { hostHeader, preserveExisting } = this.#config
    if (this.#host === undefined) return events
    for (const { headers } of events) {
      if (!preserveExisting || headers[hostHeader] === undefined) headers[hostHeader] = this.#host
    }
    return events
  }
}

const fixed = defineInterceptor({
  type: 'static',
  aliases: ['org.apache.flume.interceptor.StaticInterceptor$Builder'],
  about: 'one header with one value',
  keys: { preserveExisting: boolean(true), key: text('key'), value: text('value') },
  create: ({ preserveExisting, key, value }) =>
    each(({ headers }) => {
      if (!preserveExisting || headers[key] === undefined) headers[key] = value
    }),
})

const removeHeader = defineInterceptor({
  type: 'remove_header',
  aliases: ['org.apache.flume.interceptor.RemoveHeaderInterceptor$Builder'],
  about: 'removes headers by name, list or pattern',
  keys: {
    withName: optionalText(),
    fromList: optionalText(),
    fromListSeparator: parsed((pattern) => javaRegex(pattern), /\s*,\s*/),
    matching: parsed<RegExp | undefined>(javaRegexWhole, undefined),
  },
  create({ withName, fromList, fromListSeparator, matching }) {
    const listed = new Set(fromList?.split(fromListSeparator) ?? [])
    return each(({ headers }) => {
      if (withName !== undefined) delete headers[withName]
      if (listed.size === 0 && matching === undefined) return
      for (const name of Object.keys(headers)) {
        if (listed.has(name) || matching?.test(name) === true) delete headers[name]
      }
    })
  },
})

const uuid = defineInterceptor({
  type: 'uuid',
  aliases: ['org.apache.flume.sink.solr.morphline.UUIDInterceptor$Builder'],
  about: 'a header that no other event has',
  keys: { headerName: text('id'), preserveExisting: boolean(true), prefix: text('') },
  create: ({ headerName, preserveExisting, prefix }, { world }) =>
    each(({ headers }) => {
      if (preserveExisting && headers[headerName] !== undefined) return
      headers[headerName] = prefix + randomUuid(world.random.bytes(16))
    }),
})

/** RFC 9562, version 4. */
function randomUuid(bytes: Buffer): string {
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** Character sets that bodies can be read and written in. */
export type BodyCharset = 'utf8' | 'latin1' | 'ascii' | 'utf16le'

export function parseBodyCharset(name: string): BodyCharset {
  const known: Readonly<Record<string, BodyCharset>> = {
    'UTF-8': 'utf8',
    UTF8: 'utf8',
    'ISO-8859-1': 'latin1',
    LATIN1: 'latin1',
    'US-ASCII': 'ascii',
    ASCII: 'ascii',
    'UTF-16LE': 'utf16le',
  }
  const found = known[name.trim().toUpperCase()]
  if (found === undefined) throw new Error('UTF-8, ISO-8859-1, US-ASCII, UTF-16LE')
  return found
}

const searchReplace = defineInterceptor({
  type: 'search_replace',
  aliases: ['org.apache.flume.interceptor.SearchAndReplaceInterceptor$Builder'],
  about: 'replaces what matches in the body',
  keys: {
    searchPattern: requiredParsed((pattern) => javaRegex(pattern, 'g')),
    replaceString: parsed(javaReplacement, ''),
    charset: parsed<BodyCharset>(parseBodyCharset, 'utf8'),
  },
  create: ({ searchPattern, replaceString, charset }) =>
    each((event) => {
      const body = event.body.toString(charset)
      const changed = body.replace(searchPattern, replaceString)
      if (changed !== body) event.body = Buffer.from(changed, charset)
    }),
})

const regexFilter = defineInterceptor({
  type: 'regex_filter',
  aliases: ['org.apache.flume.interceptor.RegexFilteringInterceptor$Builder'],
  about: 'lets events through whose body matches, or does not',
  keys: {
    regex: parsed((pattern) => javaRegex(pattern), /.*/),
    excludeEvents: boolean(false),
  },
  create: ({ regex, excludeEvents }) => ({
    intercept: (events) =>
      events.filter(({ body }) => regex.test(body.toString()) !== excludeEvents),
  }),
})

/** Turns what a group matched into a header's value. */
type GroupSerializer = (value: string) => string

const regexExtractor = defineInterceptor({
  type: 'regex_extractor',
  aliases: ['org.apache.flume.interceptor.RegexExtractorInterceptor$Builder'],
  about: 'what groups of a pattern match, as headers',
  keys: {
    regex: requiredParsed((pattern) => javaRegex(pattern)),
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
        groupSerializer(name, entries)
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
  create({ regex, serializers, entries }) {
    const groups = serializers.map((name) => ({
      header: entries.get(`${name}.name`) as string,
      serialize: groupSerializer(name, entries),
    }))
    return each(({ headers, body }) => {
      const match = regex.exec(body.toString())
      if (match === null) return
      for (const [index, { header, serialize }] of groups.entries()) {
        const value = match[index + 1]
        if (value !== undefined) headers[header] = serialize(value)
      }
    })
  },
})

function groupSerializer(name: string, entries: ReadonlyMap<string, string>): GroupSerializer {
  const type = entries.get(`${name}.type`) ?? 'DEFAULT'
  switch (type) {
    case 'DEFAULT':
    case 'default':
    case 'org.apache.flume.interceptor.RegexExtractorInterceptorPassThroughSerializer':
      return (value) => value
    case 'millis':
    case 'org.apache.flume.interceptor.RegexExtractorInterceptorMillisSerializer': {
      const pattern = entries.get(`${name}.pattern`)
      if (pattern === undefined)
        throw new Error(`needs serializers.${name}.pattern, as in yyyy-MM-dd HH:mm`)
      const parse = dateParser(pattern)
      return (value) => String(parse(value))
    }
    default:
      throw new Error(`is ${JSON.stringify(type)}; expected default, millis`)
  }
}

/** Reads dates by a pattern of Joda-Time's: y, M, d, H, m, s, S, Z and literals. */
function dateParser(pattern: string): (value: string) => number {
  const fields: string[] = []
  const source = pattern.replace(
    /'([^']*)'|([yMdHmsSZ])\2*|[^A-Za-z']/g,
    (part, literal, letter) => {
      if (literal !== undefined) return (literal as string).replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
      if (letter === undefined) return part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
      fields.push(letter as string)
      if (letter === 'M' && part.length >= 3) return '([A-Za-z]+)'
      return letter === 'Z'
        ? '([+-]\\d{2}:?\\d{2}|Z)'
        : letter === 'y'
          ? '(\\d{2,4})'
          : '(\\d{1,9})'
    },
  )
  const regex = new RegExp(`^${source}$`)
  const months = [
    'jan',
    'feb',
    'mar',
    'apr',
    'may',
    'jun',
    'jul',
    'aug',
    'sep',
    'oct',
    'nov',
    'dec',
  ]
  return (value) => {
    const match = regex.exec(value)
    if (match === null)
      throw new Error(`${JSON.stringify(value)} does not match the pattern ${pattern}`)
    const found = new Map(fields.map((field, index) => [field, match[index + 1] as string]))
    const number = (field: string, fallback: number): number => Number(found.get(field) ?? fallback)
    const monthText = found.get('M') ?? '1'
    const month = /^\d/.test(monthText)
      ? Number(monthText) - 1
      : months.indexOf(monthText.slice(0, 3).toLowerCase())
    const parts = [
      number('y', 1970),
      month,
      number('d', 1),
      number('H', 0),
      number('m', 0),
      number('s', 0),
      number('S', 0),
    ] as const
    const zone = found.get('Z')
    if (zone === undefined) return new Date(...parts).getTime()
    const sign = zone.startsWith('-') ? -1 : 1
    const digits = zone.replace(/\D/g, '')
    const offset =
      digits === '' ? 0 : sign * (Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2)))
    return Date.UTC(...parts) - offset * 60_000
  }
}

const lineage = defineInterceptor({
  type: 'lineage',
  about: 'the agents that an event has crossed so far, as a header',
  keys: { headerName: text('lineage'), format: choice(['text', 'json'], 'text') },
  create: ({ headerName, format }) =>
    each((event) => {
      const hops = hopsOf(event.lineage)
      if (hops.length === 0) return
      event.headers[headerName] =
        format === 'json'
          ? JSON.stringify(hops)
          : hops
              .map(({ agent, source, host, atMs }) => `${agent}.${source}@${host} ${atMs}`)
              .join(' > ')
    }),
})

export const interceptors = [
  timestamp,
  host,
  fixed,
  removeHeader,
  uuid,
  searchReplace,
  regexFilter,
  regexExtractor,
  functionInterceptor,
  thresholdInterceptor,
  lineage,
] as const
