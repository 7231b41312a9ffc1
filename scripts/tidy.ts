// SPDX-License-Identifier: Apache-2.0
/**
 * Checks what a script can check of the project's conventions; part of `npm run lint`.
 *
 *     node scripts/tidy.ts              prints every finding, exits with 1 if there is one
 *     node scripts/tidy.ts --counts     prints counts per rule, and documentation per package
 *     node scripts/tidy.ts language packages/jms     findings of one rule below one folder
 */
import { changelog } from './tidy/changelog.ts'
import { discardedPromises } from './tidy/discarded-promises.ts'
import { documentation, documentationCoverage } from './tidy/documentation.ts'
import type { Finding, Rule } from './tidy/finding.ts'
import { imports } from './tidy/imports.ts'
import { language } from './tidy/language.ts'
import { license } from './tidy/license.ts'
import { lineLength } from './tidy/line-length.ts'
import { links } from './tidy/links.ts'
import { projectFiles } from './tidy/project-files.ts'
import { schemaDocumentation } from './tidy/schema-documentation.ts'

const rules: readonly Rule[] = [
  license,
  language,
  lineLength,
  imports,
  discardedPromises,
  documentation,
  schemaDocumentation,
  changelog,
  links,
]

// A pager or `head` may close the pipe.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
})

const args = process.argv.slice(2)
const wanted = args.filter((arg) => rules.some(({ name }) => name === arg))
const folders = args.filter((arg) => !arg.startsWith('--') && !wanted.includes(arg))
const files = projectFiles()

function isWanted({ file }: Finding): boolean {
  return folders.length === 0 || folders.some((folder) => file.startsWith(folder))
}

const byRule = rules
  .filter(({ name }) => wanted.length === 0 || wanted.includes(name))
  .map((rule) => ({
    rule,
    findings: rule.check(files).filter(isWanted),
  }))
const total = byRule.reduce((sum, { findings }) => sum + findings.length, 0)

if (args.includes('--counts')) {
  for (const { rule, findings } of byRule)
    process.stdout.write(`${rule.name}: ${findings.length}\n`)
  for (const { folder, documented, total: names } of documentationCoverage(files)) {
    const percent = names === 0 ? 100 : (100 * documented) / names
    process.stdout.write(
      `documented in ${folder}: ${documented}/${names} (${percent.toFixed(0)} %)\n`,
    )
  }
} else {
  for (const { rule, findings } of byRule) {
    for (const { file, line, text } of findings) {
      process.stdout.write(`${file}:${line}: ${rule.name}: ${text}\n`)
    }
  }
  process.stdout.write(total === 0 ? 'tidy: nothing to report\n' : `tidy: ${total} findings\n`)
}
if (total > 0) process.exitCode = 1
