// SPDX-License-Identifier: Apache-2.0
// Java programs that answer requests: one JSON value per line in both directions.
import assert from 'node:assert/strict'
import { java } from './peers.ts'

/** Sends requests to a class of java-flume, and returns the replies in order. */
export async function askJava<A>(
  args: readonly string[],
  questions: readonly unknown[],
): Promise<A[]> {
  const input = questions.map((question) => `${JSON.stringify(question)}\n`).join('')
  const { stdout, stderr, code } = await java('flume-1.11.0', ['-Dfile.encoding=UTF-8', ...args], {
    input,
  })
  assert.equal(code, 0, stderr.slice(-2000))
  const answers = stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as A)
  assert.equal(answers.length, questions.length)
  return answers
}
