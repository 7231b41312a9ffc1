// SPDX-License-Identifier: Apache-2.0
import type { Connection } from '@millrace/jms'
import type { ParsedOptions } from '../options.ts'
import { ask } from './jms.ts'

/** Option of commands for some messages of a queue. */
export const selectorOption = {
  selector: {
    value: 'TEXT',
    short: 's',
    help: 'only messages that match, as "color = \'red\' AND n > 3"',
  },
} as const

/** Option of commands that end after a number of messages. */
export const maxOption = {
  max: { value: 'N', short: 'n', help: 'at most so many messages' },
} as const

/** Value of `--max`; infinity by default. */
export function maxOf(parsed: ParsedOptions): number {
  return parsed.number('max', { min: 1 }) ?? Number.POSITIVE_INFINITY
}

/** Outcome of a retry of dead letters. */
export interface RetriedLetters {
  readonly retried: number
  /** Letters that cannot be retried. */
  readonly left: number
  readonly reasons: readonly string[]
}

/** Reply of the provider to one request. */
interface Step extends RetriedLetters {
  /** Letters that waited in the queue before the request. */
  readonly waiting: number
  readonly isDone: boolean
}

/**
 * Retries the dead letters of a queue. Letters that fail again in the meantime are not retried a
 * second time.
 */
export async function retryDeadLetters(
  connection: Connection,
  queue: string,
  { selector, max }: { readonly selector: string; readonly max: number },
): Promise<RetriedLetters> {
  let limit = max
  for (let retried = 0; ; ) {
    const given = Number.isFinite(limit) ? String(limit - retried) : ''
    const args = { name: queue, selector, max: given }
    const step = (await ask(connection, 'queue.retry-dead', args)) as Step
    limit = Math.min(limit, retried + step.waiting)
    retried += step.retried
    const { left, reasons } = step
    if (step.isDone || retried >= limit) return { retried, left, reasons }
  }
}

/** Describes the outcome of a retry. */
export function retriedText(queue: string, { retried, left, reasons }: RetriedLetters): string {
  const stay = left === 0 ? '' : `; ${left} stay: ${reasons.join('; ')}`
  return `returned ${retried} from ${queue}${stay}`
}
