// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ParseResult, parseSync, Visitor } from 'oxc-parser'
import { root } from '../packages.ts'
import { lineOf } from './finding.ts'

/** A text file that git tracks or would track. */
export interface ProjectFile {
  /** Path from the root of the repository, with `/`. */
  readonly path: string
  readonly text: string
  /** Syntax tree, comments and imports, for TypeScript; parsed on first use. */
  readonly syntax: () => ParseResult
}

/** All sources and pages of the repository, without test data and lock files. */
export function projectFiles(): readonly ProjectFile[] {
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  })
  return listed
    .split('\n')
    .filter((path) => /\.(ts|md|js|java|go|py)$/.test(path) && !path.includes('/testdata/'))
    .filter((path) => existsSync(join(root, path)))
    .map((path) => fileAt(path, readFileSync(join(root, path), 'utf8')))
}

/** A file with this text. */
export function fileAt(path: string, text: string): ProjectFile {
  let parsed: ParseResult | undefined
  return {
    path,
    text,
    syntax: () => {
      parsed ??= parseSync(path, text)
      return parsed
    },
  }
}

/** Whether a file is TypeScript source, tests included. */
export function isTypeScript({ path }: ProjectFile): boolean {
  return path.endsWith('.ts')
}

/** The package folder of a source file, as `client` of `packages/client/src/…`. */
export function packageOf(path: string): string | undefined {
  return /^packages\/([^/]+)\/src\//.exec(path)?.[1]
}

/**
 * A line of prose: in a comment or text of TypeScript, or on a page outside of code and tables.
 */
export interface ProseLine {
  readonly line: number
  readonly text: string
}

/** Prose of a file, line by line, without code blocks and inline code. */
export function proseOf(file: ProjectFile): readonly ProseLine[] {
  if (isTypeScript(file)) return commentLines(file)
  return file.path.endsWith('.md') ? pageLines(file.text) : []
}

function commentLines(file: ProjectFile): ProseLine[] {
  const lines: ProseLine[] = []
  for (const comment of file.syntax().comments) {
    const first = file.text.slice(0, comment.start).split('\n').length
    comment.value.split('\n').forEach((text, i) => {
      if (!text.includes('SPDX-License-Identifier')) lines.push({ line: first + i, text })
    })
  }
  return lines
}

function pageLines(text: string): ProseLine[] {
  const lines: ProseLine[] = []
  let isCode = false
  text.split('\n').forEach((line, i) => {
    if (line.startsWith('```')) isCode = !isCode
    else if (!isCode && !line.startsWith('    ')) lines.push({ line: i + 1, text: line })
  })
  return lines
}

/** Texts of several words in string and template literals: messages, titles, help. */
export function textsOf(file: ProjectFile): readonly ProseLine[] {
  const texts: ProseLine[] = []
  const add = (start: number, text: string): void => {
    if (/[a-z],? [a-z]/.test(text)) texts.push({ line: lineOf(file.text, start), text })
  }
  new Visitor({
    Literal({ start, value }) {
      if (typeof value === 'string') add(start, value)
    },
    TemplateElement: ({ start, value }) => add(start, value.raw),
  }).visit(file.syntax().program)
  return texts
}

/** `text` with inline code blanked, which is not prose. */
export function withoutCode(text: string): string {
  return text.replace(/`[^`]*`/g, (code) => ' '.repeat(code.length))
}
