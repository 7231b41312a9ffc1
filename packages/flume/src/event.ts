// SPDX-License-Identifier: Apache-2.0

/** Names and values of an event, in the order they were set. */
export type Headers = Record<string, string>

// A prototype without members: `headers.constructor` is a header or undefined, and looking one up stays fast, which it
// would not be in an object made by `Object.create(null)`.
const HeaderTable = function HeaderTable() {} as unknown as new () => Headers
HeaderTable.prototype = Object.create(null)

/** Empty headers, or a copy of some. */
export function newHeaders(from?: Readonly<Headers>): Headers {
  const headers = new HeaderTable()
  if (from !== undefined) for (const name in from) headers[name] = from[name] as string
  return headers
}

/** One step on an event's way: where it was put into a channel. */
export interface Hop {
  /** Name of the agent. */
  readonly agent: string
  /** The source that put it. */
  readonly source: string
  /** Host of the agent. */
  readonly host: string
  /** Milliseconds since 1970. */
  readonly atMs: number
}

/** The way an event came, last hop first. All events of a batch share one. */
export interface Lineage {
  /** The last agent that the event passed. */
  readonly hop: Hop
  /** Agents before, or undefined. */
  readonly previous: Lineage | undefined
}

/** The hops of an event, first one first. */
export function hopsOf(lineage: Lineage | undefined): Hop[] {
  const hops: Hop[] = []
  for (let at = lineage; at !== undefined; at = at.previous) hops.unshift(at.hop)
  return hops
}

/** What flows through an agent: a body of bytes and some headers. */
export class Event {
  /** Headers, by name. */
  headers: Headers
  /** Body. */
  body: Buffer
  /** Where it came from, kept beside the headers so that they stay as the source made them. */
  lineage: Lineage | undefined

  /** Creates an event; without headers it gets an empty set. */
  constructor(body: Buffer, headers: Headers = newHeaders(), lineage?: Lineage) {
    this.headers = headers
    this.body = body
    this.lineage = lineage
  }

  /** An event of a text's UTF-8 bytes. */
  static text(body: string, headers?: Readonly<Headers>): Event {
    return new Event(Buffer.from(body), newHeaders(headers))
  }

  /** Its own copy of the headers; the bytes of the body are shared. */
  clone(): Event {
    return new Event(this.body, newHeaders(this.headers), this.lineage)
  }
}
