// SPDX-License-Identifier: Apache-2.0
import { type Key, type KeyOptions, parsed, requiredParsed } from '../config/keys.ts'
import { JavaPattern, type JavaPatternOptions } from './java-pattern.ts'

type PatternKeyOptions = JavaPatternOptions & KeyOptions

const parser =
  ({ usesGroups = false }: JavaPatternOptions) =>
  (text: string): JavaPattern =>
    new JavaPattern(text, { usesGroups })

/** A key whose value is a Java pattern, with a default. */
export function pattern(
  fallback: string,
  options: PatternKeyOptions = {},
): Key<JavaPattern, false> {
  const parse = parser(options)
  return parsed(parse, parse(fallback), options)
}

/** A key whose value is a Java pattern, or not set. */
export function optionalPattern(
  options: PatternKeyOptions = {},
): Key<JavaPattern | undefined, false> {
  return parsed<JavaPattern | undefined>(parser(options), undefined, options)
}

/** A key whose value must be a Java pattern. */
export function requiredPattern(options: PatternKeyOptions = {}): Key<JavaPattern, true> {
  return requiredParsed(parser(options), options)
}
