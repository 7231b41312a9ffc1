// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MillraceError } from './errors.ts'
import { createLogger, type LogLevel } from './logger.ts'

const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
const refused = new MillraceError('KAFKA_STORAGE_ERROR', 'cannot create t-0', { cause: full })
const repeated = new MillraceError('MILLRACE_X', `cannot close t-0: ${full.message}`, {
  cause: full,
})
const bug = new TypeError('undefined is not a function')
const ofNode = Object.assign(new TypeError('wrong type'), { code: 'ERR_INVALID_ARG_TYPE' })

function lineOf(level: LogLevel, error: unknown): string {
  const lines: string[] = []
  createLogger({ level, now: () => 0, write: (line) => void lines.push(line) }).error('failed', {
    error,
  })
  return lines.join('\n')
}

describe('an error in a log line', () => {
  const shown: readonly (readonly [string, unknown, RegExp])[] = [
    ['of the system: its message', full, /failed error="ENOSPC: no space left on device, write"$/],
    [
      'of ours: the messages of its causes too',
      refused,
      /error="cannot create t-0: ENOSPC: no space left on device, write"$/,
    ],
    [
      'that repeats its cause: once',
      repeated,
      /error="cannot close t-0: ENOSPC: no space left on device, write"$/,
    ],
    ['of a bug: its stack', bug, /error="TypeError: undefined is not a function\\n +at /],
    ['that Node throws for a bug: its stack', ofNode, /error="TypeError: wrong type\\n +at /],
  ]
  for (const [name, error, expected] of shown) {
    it(name, () => assert.match(lineOf('info', error), expected))
  }

  it('at level debug: its stack in any case', () => {
    assert.match(lineOf('debug', refused), /cannot create t-0\\n +at /)
  })
})
