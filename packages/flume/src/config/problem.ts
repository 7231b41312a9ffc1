// SPDX-License-Identifier: Apache-2.0
import { nearestSpelling } from '@millrace/base'

/**
 * What a problem stops: nothing (Flume ignores it too), one component (Flume removes it and runs the rest), or the whole agent.
 */
export type Effect = 'none' | 'component' | 'agent'

/** Where an entry stands. */
export interface Place {
  /** A file's path or a URI; `agent NAME` for an agent in TypeScript. */
  readonly where: string
  /** Undefined when it does not come from a file. */
  readonly line: number | undefined
}

/** Something wrong in the configuration of an agent. */
export interface ConfigProblem extends Place {
  /** Agent whose configuration has the problem. */
  readonly agent: string
  /** The key without the agent's name, as in `sources.r1.bind`. Empty when the problem is not about one key. */
  readonly key: string
  /** What is wrong with the key: the text that follows it. */
  readonly message: string
  /** What the problem stops. */
  readonly effect: Effect
  /** The component that does not run because of it, as in `sources.r1`. Undefined unless `effect` is `component`. */
  readonly component: string | undefined
}

/** One line: file, line, key, what is wrong with it. */
export function problemText({ where, line, agent, key, message }: ConfigProblem): string {
  const place = line === undefined ? where : `${where}:${line}`
  return key === '' ? `${place}: ${message}` : `${place}: ${agent}.${key} ${message}`
}

/** What is wrong with a key that names a component which is not there. */
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

/** A problem as it is found: the agent and its component are known to the `Reporter`. */
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
