// SPDX-License-Identifier: Apache-2.0
import { Visitor } from 'oxc-parser'
import { type Finding, lineOf, type Rule } from './finding.ts'
import { isTypeScript, type ProjectFile, packageOf } from './project-files.ts'

/**
 * No source has the operator `void`, which discards promises: a rejection would end the process.
 * `attempt` and `guard` of `@millrace/base` start work whose caller does not wait. Biome reports
 * promises that are discarded without `void`.
 */
export const discardedPromises: Rule = {
  name: 'discarded-promises',
  check: (files) => files.filter(isSource).flatMap(discarded),
}

/** Sources of packages; a failure in a test may end the test. */
function isSource(file: ProjectFile): boolean {
  const { path } = file
  return (
    isTypeScript(file) &&
    packageOf(path) !== undefined &&
    packageOf(path) !== 'testkit' &&
    !path.endsWith('.test.ts') &&
    !path.includes('/testing/')
  )
}

function discarded(file: ProjectFile): Finding[] {
  const findings: Finding[] = []
  new Visitor({
    UnaryExpression({ operator, argument, start }) {
      if (operator !== 'void' || argument.type === 'Literal') return
      findings.push({
        file: file.path,
        line: lineOf(file.text, start),
        text: 'void discards a promise whose rejection ends the process; use attempt or guard',
      })
    },
  }).visit(file.syntax().program)
  return findings
}
