// SPDX-License-Identifier: Apache-2.0
// User-defined components, named in the configurations of flume.test.ts.
import { readFile } from 'node:fs/promises'
import {
  Event,
  type EventDeserializer,
  type EventReader,
  type EventSerializer,
  type HttpHandler,
  type HttpRequest,
  type InputOptions,
  text,
  type ValuesOf,
} from '@millrace/flume'

const shoutKeys = { mark: text('!') }

/** Writes bodies in capitals, followed by a mark. */
export class Shouting implements EventSerializer {
  static readonly keys = shoutKeys
  readonly #mark: string

  constructor({ mark }: ValuesOf<typeof shoutKeys>) {
    this.#mark = mark
  }

  begin(): Uint8Array {
    return Buffer.from('HEAD\n')
  }

  write(events: readonly Event[]): Uint8Array[] {
    return events.map(({ body }) => Buffer.from(`${body.toString().toUpperCase()}${this.#mark}\n`))
  }
}

/** Texts separated by blank lines. A cursor is the number of preceding texts. */
export class Paragraphs implements EventDeserializer {
  readonly #prefix: string

  /** Without declared keys it receives the values in the file. */
  constructor(entries: Readonly<Record<string, string>>) {
    this.#prefix = entries.prefix ?? ''
  }

  async open({ path }: InputOptions): Promise<EventReader> {
    const all = (await readFile(path, 'utf8')).trim().split('\n\n')
    return {
      read: async (cursor, max) => {
        const texts = all.slice(cursor, cursor + max)
        return {
          events: texts.map((each) => Event.text(this.#prefix + each.replaceAll('\n', ' '))),
          cursors: texts.map((_, index) => cursor + index + 1),
          end: cursor + texts.length,
        }
      },
      close: async () => {},
    }
  }
}

/** One event per cell of comma-separated values. */
export class Cells implements HttpHandler {
  handle({ body }: HttpRequest): readonly Event[] {
    if (body.length === 0) throw new Error('there are no cells')
    return body
      .toString()
      .split(',')
      .map((cell) => Event.text(cell))
  }
}
