// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { root } from '../packages.ts'
import { type Finding, lineOf, type Rule } from './finding.ts'
import type { ProjectFile } from './project-files.ts'

/** READMEs of packages are read on npm and link to the repository by its address. */
const REPOSITORY = /^https:\/\/github\.com\/millrace\/millrace\/(?:blob|tree)\/main\//

/** Links of pages refer to existing files and headings. */
export const links: Rule = {
  name: 'links',
  check: (files) => files.filter(({ path }) => path.endsWith('.md')).flatMap(checkPage),
}

function checkPage(file: ProjectFile): Finding[] {
  const text = file.text.replace(/```[\s\S]*?```/g, (code) => code.replace(/[^\n]/g, ' '))
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)].flatMap((match) => {
    const target = match[1] ?? ''
    const problem = problemOf(file.path, target)
    return problem === undefined
      ? []
      : [{ file: file.path, line: lineOf(text, match.index), text: problem }]
  })
}

function problemOf(page: string, target: string): string | undefined {
  const isOwn = REPOSITORY.test(target)
  if (!isOwn && /^(https?|mailto):/.test(target)) return undefined
  const [path = '', anchor] = target.replace(REPOSITORY, '').split('#')
  const from = isOwn ? '.' : dirname(page)
  const file = path === '' ? page : normalize(join(from, path))
  if (!existsSync(join(root, file))) return `${target} does not exist`
  if (anchor === undefined || !file.endsWith('.md')) return undefined
  return headingsOf(file).has(anchor) ? undefined : `${target}: ${file} has no such heading`
}

/** Anchors of a page's headings, as GitHub forms them. */
function headingsOf(file: string): Set<string> {
  const text = readFileSync(join(root, file), 'utf8')
  return new Set(
    [...text.matchAll(/^#+ (.*)$/gm)].map((match) =>
      (match[1] ?? '')
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .trim()
        .replaceAll(' ', '-'),
    ),
  )
}
