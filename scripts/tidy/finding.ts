// SPDX-License-Identifier: Apache-2.0
import type { ProjectFile } from './project-files.ts'

/** A violation of a rule. */
export interface Finding {
  /** Path from the root of the repository. */
  readonly file: string
  /** Line number, from 1. */
  readonly line: number
  readonly text: string
}

/** A convention that can be checked by reading files. */
export interface Rule {
  readonly name: string
  readonly check: (files: readonly ProjectFile[]) => Finding[]
}

/** Line of an offset in a text, from 1. */
export function lineOf(text: string, offset: number): number {
  let line = 1
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) line++
  return line
}
