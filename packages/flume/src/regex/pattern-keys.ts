// SPDX-License-Identifier: Apache-2.0
import { type Key, parsed, requiredParsed } from '../config/keys.ts'
import { JavaPattern, type JavaPatternOptions } from './java-pattern.ts'

interface PatternKeyOptions extends JavaPatternOptions {
  readonly key?: string
}

const parser =
  ({ usesGroups }: JavaPatternOptions) =>
  (text: string): JavaPattern =>
    new JavaPattern(text, { usesGroups: usesGroups === true })

/** A key whose value is a pattern of Java's, with a default. */
export function pattern(
  fallback: string,
  options: PatternKeyOptions = {},
): Key<JavaPattern, false> {
  const { key } = options
  const parse = parser(options)
  return parsed(parse, parse(fallback), key === undefined ? {} : { key })
}

export function optionalPattern(
  options: PatternKeyOptions = {},
): Key<JavaPattern | undefined, false> {
  const { key } = options
  return parsed<JavaPattern | undefined>(
    parser(options),
    undefined,
    key === undefined ? {} : { key },
  )
}

export function requiredPattern(options: PatternKeyOptions = {}): Key<JavaPattern, true> {
  const { key } = options
  return requiredParsed(parser(options), key === undefined ? {} : { key })
}
