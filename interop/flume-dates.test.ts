// SPDX-License-Identifier: Apache-2.0
// Date patterns of Joda-Time, generated and hand-written: Joda-Time and millrace parse the same
// texts.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Random } from '@millrace/base'
import { seededRandom } from '@millrace/testkit'
import { JodaFormat } from '../packages/flume/src/joda/joda-format.ts'
import { askJava } from './java-questions.ts'

const ROUNDS = Number(process.env.MILLRACE_PATTERNS ?? 1000)
const MAX_MS = 8.64e15
const ZONE = process.env.TZ ?? 'UTC'

interface Question {
  readonly pattern: string
  readonly texts: readonly string[]
  readonly times: readonly number[]
}
interface Answer {
  readonly error?: string
  readonly texts: readonly string[]
  readonly read: readonly (number | null)[]
}

function askJoda(questions: readonly Question[], zone: string): Promise<Answer[]> {
  const flags = ['-Duser.language=en', '-Duser.country=US']
  return askJava<Answer>([...flags, 'JodaDates', zone], questions)
}

const TOKENS = [
  ...['yyyy', 'yy', 'y', 'yyy', 'YYYY', 'YY', 'xxxx', 'xx', 'M', 'MM', 'MMM', 'MMMM', 'd', 'dd'],
  ...['H', 'HH', 'h', 'hh', 'k', 'kk', 'K', 'KK', 'm', 'mm', 's', 'ss', 'S', 'SSS', 'SSSSSS'],
  ...[
    'a',
    'E',
    'EEE',
    'EEEE',
    'e',
    'D',
    'DDD',
    'w',
    'ww',
    'Z',
    'ZZ',
    'ZZZ',
    'z',
    'zzzz',
    'G',
    'C',
    'CC',
  ],
]
const SEPARATORS = [
  ' ',
  '-',
  '/',
  ':',
  '.',
  ',',
  'T',
  "'T'",
  "' at '",
  "''",
  '',
  '',
  '_',
  '[',
  '] ',
]
const COMMON = [
  ...[
    'yyyy-MM-dd HH:mm:ss',
    "yyyy-MM-dd'T'HH:mm:ss.SSSZ",
    'dd/MMM/yyyy:HH:mm:ss Z',
    'yyyyMMddHHmmss',
  ],
  ...['MMM d HH:mm:ss', 'EEE MMM dd HH:mm:ss zzz yyyy', 'yy/MM/dd', 'yyMMdd', 'hh:mm a', 'HH:mm'],
  ...[
    'MM/dd/yyyy hh:mm:ss a',
    "yyyy-'W'ww-e",
    'xxxx-ww-e',
    'yyyy-DDD',
    'd MMMM yyyy',
    'yyyy.MM.dd G',
  ],
]

class PatternWriter {
  readonly #random: Random

  constructor(random: Random) {
    this.#random = random
  }

  pick<T>(list: readonly T[]): T {
    return list[this.#random.integer(list.length)] as T
  }

  pattern(): string {
    if (this.#random.integer(4) === 0) return this.pick(COMMON)
    const count = 1 + this.#random.integer(6)
    const parts = Array.from({ length: count }, () => this.pick(TOKENS) + this.pick(SEPARATORS))
    if (this.#random.integer(40) === 0) parts.push(this.pick(['b', 'q', 'j', 'A', 'n', "'", 'L']))
    return parts.join('')
  }

  time(): number {
    // From 1970 to 2017, the year of the time zone data in this Joda-Time.
    const ms = this.#random.integer(1_500_000_000) * 1000 + this.#random.integer(1000)
    return this.#random.integer(4) === 0 ? Math.floor(ms / 3_600_000) * 3_600_000 : ms
  }

  /** A text that almost matches the pattern. */
  text(from: string): string {
    const at = this.#random.integer(from.length + 1)
    switch (this.#random.integer(6)) {
      case 0:
        return from.slice(0, at) + from.slice(at + 1)
      case 1:
        return from.slice(0, at) + this.pick([...'0123456789 -+:.aPZ', 'é']) + from.slice(at)
      case 2:
        return from.slice(0, at) + this.pick([...'0123456789 -+:.aPZ']) + from.slice(at + 1)
      case 3:
        return from.toUpperCase()
      case 4:
        return from.toLowerCase()
      default:
        return from
    }
  }
}

/** Patterns that were parsed incorrectly once, or easily are. */
const written: readonly Question[] = [
  {
    pattern: 'yy-MM-dd',
    texts: ['26-11-28', '45-01-01', '46-01-01', '99-12-31', '2026-01-01', '5-1-1'],
    times: [],
  },
  {
    pattern: 'd MMM yyyy',
    texts: ['1 Foo 2026', '1 dec 2026', '1 DECEMBER 2026', '1 dEc 2026'],
    times: [],
  },
  {
    pattern: 'yyyy-MM-dd',
    texts: ['2026-02-29', '2024-02-29', '2026-13-01', '2026-00-10', '-5-1-1'],
    times: [],
  },
  { pattern: 'MM-dd', texts: ['02-29', '11-28'], times: [] },
  { pattern: 'HH:mm:ss.SSS', texts: ['1:2:3.4', '24:00:00.0', '23:59:60.0'], times: [] },
  { pattern: 'hh:mm a', texts: ['12:30 AM', '12:30 pm', '13:00 PM', '0:10 AM'], times: [] },
  {
    pattern: 'yyyy-MM-dd HH:mm:ss Z',
    texts: ['2026-01-01 00:00:00 +01:30', '2026-01-01 00:00:00 Z'],
    times: [],
  },
  { pattern: 'yyyyMMdd', texts: ['20261128', '2026112'], times: [] },
]

function compare(questions: readonly Question[], answers: readonly Answer[]): string[] {
  const different: string[] = []
  for (const [index, { pattern }] of questions.entries()) {
    const theirs = answers[index] as Answer
    let format: JodaFormat | undefined
    try {
      format = new JodaFormat(pattern)
    } catch {
      // Compared below.
    }
    if ((format === undefined) !== (theirs.error !== undefined)) {
      different.push(`${pattern}: Joda ${theirs.error ?? 'accepts it'}`)
      continue
    }
    for (const [i, text] of (format === undefined ? [] : theirs.texts).entries()) {
      const ours = format?.parse(text, Date.now()) ?? null
      // Joda-Time also searches for the slash of a zone name after the name.
      const isSlash = /ZZZ/.test(pattern) && text.includes('/')
      if (isSlash && theirs.read[i] === null) continue
      // Times out of range of JavaScript's Date are skipped.
      if (ours !== theirs.read[i] && Math.abs(theirs.read[i] ?? 0) <= MAX_MS) {
        different.push(`${pattern} on ${JSON.stringify(text)}: ${ours}, Joda ${theirs.read[i]}`)
      }
    }
  }
  return different
}

describe('dates', () => {
  it(`are parsed as by Joda-Time in ${ZONE} (${ROUNDS} generated patterns)`, async () => {
    const writer = new PatternWriter(seededRandom(Number(process.env.MILLRACE_SEED ?? 30)))
    const questions = [
      ...written,
      ...Array.from({ length: ROUNDS }, () => ({
        pattern: writer.pattern(),
        texts: [],
        times: [writer.time(), writer.time()],
      })),
    ]
    const printed = await askJoda(questions, ZONE)
    assert.deepEqual(compare(questions, printed), [])
    // Also texts that almost match.
    const changed = questions.map(({ pattern }, index) => ({
      pattern,
      times: [],
      texts: (printed[index]?.texts ?? []).flatMap((text) => [
        writer.text(text),
        writer.text(text),
      ]),
    }))
    assert.deepEqual(compare(changed, await askJoda(changed, ZONE)), [])
  })
})
