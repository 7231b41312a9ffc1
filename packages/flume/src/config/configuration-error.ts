// SPDX-License-Identifier: Apache-2.0
import { MillraceError } from '@millrace/base'
import { type ConfigProblem, problemText } from './problem.ts'

/** An agent cannot run as its configuration says. The message has one line for each problem. */
export class ConfigurationError extends MillraceError {
  override readonly name = 'ConfigurationError'
  /** All problems that were found. */
  readonly problems: readonly ConfigProblem[]
  /** Creates the error from all problems. */
  constructor(problems: readonly ConfigProblem[]) {
    super('MILLRACE_CONFIGURATION', problems.map(problemText).join('\n'))
    this.problems = problems
  }
}
