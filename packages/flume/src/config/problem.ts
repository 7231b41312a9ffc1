// SPDX-License-Identifier: Apache-2.0
import { nearestSpelling } from '@millrace/base'

/**
 * Effect of a problem: none (Flume ignores it), one component is left out, or the agent does not
 * start.
 */
export type Effect = 'none' | 'component' | 'agent'

/** Place of an entry. */
export interface Place {
  /** A file's path or a URI; `agent NAME` for an agent in TypeScript. */
  readonly where: string
  /** Undefined if the entry is not from a file. */
  readonly line: number | undefined
}

/** A problem in the configuration of an agent. */
export interface ConfigProblem extends Place {
  /** Agent whose configuration has the problem. */
  readonly agent: string
  /**
   * Key without the name of the agent, as in `sources.r1.bind`. Empty if the problem is not about
   * one key.
   */
  readonly key: string
  /** Description of the problem; follows the key in messages. */
  readonly message: string
  /** Effect of the problem. */
  readonly effect: Effect
  /** Component that does not run, as in `sources.r1`. Undefined unless `effect` is `component`. */
  readonly component: string | undefined
}

/** One line of text: file, line, key, problem. */
export function problemText({ where, line, agent, key, message }: ConfigProblem): string {
  const place = line === undefined ? where : `${where}:${line}`
  return key === '' ? `${place}: ${message}` : `${place}: ${agent}.${key} ${message}`
}

/** Problem of a key that names a component that does not exist. */
export function doesNotExist(
  what: 'channel' | 'sink',
  name: string,
  known: readonly { readonly name: string }[],
): string {
  const names = known.map((each) => each.name)
  const nearest = nearestSpelling(name, names)
  const hint =
    nearest === undefined ? `there is ${names.join(', ') || 'none'}` : `did you mean ${nearest}?`
  return `names ${what} ${name}, which does not exist; ${hint}`
}

/** A problem before the `Reporter` adds the agent. */
export interface Finding {
  readonly key: string
  readonly message: string
  readonly place?: Place | undefined
  readonly effect: Effect
  readonly component?: string
}

/** Collects the problems of one agent. */
export class Reporter {
  readonly problems: ConfigProblem[] = []
  readonly #agent: string
  readonly #where: string

  constructor(agent: string, where: string) {
    this.#agent = agent
    this.#where = where
  }

  report({ key, message, place, effect, component }: Finding): void {
    this.problems.push({
      agent: this.#agent,
      key,
      message,
      where: place?.where ?? this.#where,
      line: place?.line,
      effect,
      component: effect === 'component' ? component : undefined,
    })
  }

  warn(key: string, message: string, place?: Place): void {
    this.report({ key, message, place, effect: 'none' })
  }

  /** The component does not run; the rest of the agent does. */
  remove(component: string, key: string, message: string, place?: Place): void {
    this.report({ key, message, place, effect: 'component', component })
  }

  /** Nothing of the agent runs. */
  stop(key: string, message: string, place?: Place): void {
    this.report({ key, message, place, effect: 'agent' })
  }

  get isStopped(): boolean {
    return this.problems.some(({ effect }) => effect === 'agent')
  }
}
