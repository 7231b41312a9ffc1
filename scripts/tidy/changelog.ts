// SPDX-License-Identifier: Apache-2.0
import type { Finding, Rule } from './finding.ts'

/** `CHANGELOG.md`: a title, then sections `## VERSION, DATE` of list items, newest first. */
export const changelog: Rule = {
  name: 'changelog',
  check(files) {
    const file = files.find(({ path }) => path === 'CHANGELOG.md')
    if (file === undefined) return [{ file: 'CHANGELOG.md', line: 1, text: 'missing' }]
    const findings: Finding[] = []
    let sections = 0
    file.text.split('\n').forEach((text, i) => {
      if (i === 0 ? text === '# Changelog' : text === '') return
      if (text.startsWith('## ')) {
        sections++
        if (/^## \d+\.\d+\.\d+, (unreleased|\d{4}-\d{2}-\d{2})$/.test(text)) return
      } else if (sections > 0 && /^(- | {2}\S)/.test(text)) return
      findings.push({
        file: file.path,
        line: i + 1,
        text: 'expected "## 1.2.3, unreleased", "- item" or a continued item',
      })
    })
    return findings
  },
}
