// SPDX-License-Identifier: Apache-2.0
import type { Finding, Rule } from './finding.ts'
import { isTypeScript, type ProjectFile, proseOf, textsOf, withoutCode } from './project-files.ts'

/** Phrases that read translated, and what a native engineer writes. */
const phrases: readonly [pattern: RegExp, instead: string][] = [
  [/\bwho\b/i, 'the noun: a member, client, request or user that …'],
  [/\bwhoever\b/i, 'the noun'],
  [/\bas (it|they) (was|were)( before)?\b/i, 'unchanged'],
  [/\bas before\b/i, 'unchanged'],
  [/\b(go|goes|went|going) on\b/i, 'continue, resume'],
  [/\b(begin|begins|began|start|starts) afresh\b/i, 'restart'],
  [/\b(is|are|was|were|be|been) told\b/i, 'is notified, is reported'],
  [/\btells?\b/i, 'reports, returns, says which'],
  [/\b(gives?|gave|given) back\b/i, 'return, restore'],
  [/\bmade anew\b|\banew\b/i, 'created again'],
  [/\botherwise than\b|\bis otherwise\b|\bare otherwise\b/i, 'differs'],
  [/\bwritten down\b/i, 'persisted'],
  [/\bburied\b|\bbury\b|\bthe dead\b(?! letter)/i, 'dead-lettered'],
  [/\bof one's own\b|\bof its own\b/i, 'own, separate, custom'],
  [/\bfor ever\b/i, 'forever'],
  [/\bwhat is wrong\b/i, 'the error'],
  [/\bthe wrong way round\b/i, 'reversed'],
  [/\bdoors?\b|\bhouses?\b|\bthe rooms?\b/i, 'listener, project, module'],
  [/\bby turns\b/i, 'round robin, in turn'],
  [/\bunder way\b/i, 'in progress, in flight'],
  [/\bhas had enough\b/i, 'has stopped reading'],
  [/\bends in order\b|\bended in order\b/i, 'shuts down cleanly'],
  [/\b(every|some)body\b|\bnobody [a-z]/i, 'no client, every user, another member'],
  [/\bhand(s|ed|ing)? out\b/i, 'return, assign, deliver'],
  [/\bcomes? back\b|\bcame back\b/i, 'return, become available again'],
]

/** Comments, messages, test titles and pages are plain technical English. */
export const language: Rule = {
  name: 'language',
  check: (files) =>
    files.flatMap((file) => [
      ...proseOf(file).flatMap(({ line, text }) => findingsIn(file, line, withoutCode(text))),
      ...(isTypeScript(file)
        ? textsOf(file).flatMap(({ line, text }) => findingsIn(file, line, text))
        : []),
    ]),
}

function findingsIn({ path }: ProjectFile, line: number, prose: string): Finding[] {
  return phrases.flatMap(([pattern, instead]) => {
    const found = pattern.exec(prose)
    if (found === null) return []
    return [{ file: path, line, text: `"${found[0]}"; write: ${instead}` }]
  })
}
