// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type ComponentContext, defineInterceptor, type Interceptor } from '../component.ts'
import { requiredText, text, type ValuesOf } from '../config/keys.ts'
import { ChannelError, reasonOf } from '../errors.ts'
import { Event } from '../event.ts'

/**
 * Maps an event to the same or another event, or to nothing to drop it; may be asynchronous. For
 * batches, write a class with `intercept`.
 */
export type EventFunction = (
  event: Event,
) => Event | null | undefined | Promise<Event | null | undefined>

const keys = { module: requiredText(), function: text('default') }

class FunctionInterceptor implements Interceptor {
  readonly #config: ValuesOf<typeof keys>
  readonly #context: ComponentContext
  #function: EventFunction = (event) => event

  constructor(config: ValuesOf<typeof keys>, context: ComponentContext) {
    this.#config = config
    this.#context = context
  }

  async start(): Promise<void> {
    const { module: path, function: name } = this.#config
    try {
      const url = pathToFileURL(resolve(this.#context.directory, path))
      const module = (await import(url.href)) as Readonly<Record<string, unknown>>
      const found = module[name]
      if (typeof found !== 'function') {
        throw new Error(
          `there is no exported function ${name}; it has ${Object.keys(module).join(', ') || 'nothing'}`,
        )
      }
      this.#function = found as EventFunction
    } catch (error) {
      throw new ChannelError(
        `interceptor ${this.#context.name}: cannot use ${path}: ${reasonOf(error)}`,
        error,
      )
    }
  }

  intercept(events: Event[]): Promise<Event[]> {
    return applyFunction(this.#function, events)
  }
}

export async function applyFunction(
  change: EventFunction,
  events: readonly Event[],
): Promise<Event[]> {
  const kept: Event[] = []
  for (const event of events) {
    const result = change(event)
    const changed = result instanceof Promise ? await result : result
    if (changed === null || changed === undefined) continue
    if (!(changed instanceof Event)) {
      throw new ChannelError('the function must return an event, or nothing to drop it')
    }
    kept.push(changed)
  }
  return kept
}

export const functionInterceptor = defineInterceptor({
  type: 'function',
  aliases: ['javascript'],
  about: 'a function in JavaScript or TypeScript that changes or drops events',
  keys,
  create: (config, context) => new FunctionInterceptor(config, context),
})
