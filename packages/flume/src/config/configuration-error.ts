// SPDX-License-Identifier: Apache-2.0
import { MillraceError } from '@millrace/base'
import { type ConfigProblem, problemText } from './problem.ts'

/** An agent cannot run with its configuration. The message has one line per problem. */
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
