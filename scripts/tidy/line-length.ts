// SPDX-License-Identifier: Apache-2.0
import type { Rule } from './finding.ts'
import { isTypeScript, proseOf } from './project-files.ts'

const MAX_COLUMNS = 100

/** Comments and prose have at most 100 columns; tables and unbreakable lines may be longer. */
export const lineLength: Rule = {
  name: 'line-length',
  check: (files) =>
    files.flatMap((file) => {
      const lines = file.text.split('\n')
      return proseOf(file)
        .map(({ line }) => ({ line, text: lines[line - 1] ?? '' }))
        .filter(({ text }) => text.length > MAX_COLUMNS && !isUnbreakable(text, isTypeScript(file)))
        .map(({ line, text }) => ({
          file: file.path,
          line,
          text: `${text.length} columns, at most ${MAX_COLUMNS}`,
        }))
    }),
}

/** A table row, or a line whose last word begins before the limit and cannot be split. */
function isUnbreakable(text: string, isComment: boolean): boolean {
  if (!isComment && /^\s*\|/.test(text)) return true
  if (isComment && /^\s*\* \|/.test(text)) return true
  const words = text.trim().replace(/^(\/\/|\*|\/\*\*|-)\s*/, '')
  return !/\s/.test(words) || (isComment && !/^\s*(\/\/|\/?\*)/.test(text))
}
