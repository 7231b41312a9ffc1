// SPDX-License-Identifier: Apache-2.0

/** Headers of an event, in the order in which they were set. */
export type Headers = Record<string, string>

// The prototype has no members, so that `headers.constructor` is a header or undefined. Lookups are
// faster than in an object of `Object.create(null)`.
const HeaderTable = function HeaderTable() {} as unknown as new () => Headers
HeaderTable.prototype = Object.create(null)

/** Empty headers, or a copy of some. */
export function newHeaders(from?: Readonly<Headers>): Headers {
  const headers = new HeaderTable()
  if (from !== undefined) for (const name in from) headers[name] = from[name] as string
  return headers
}

/** A source that an event has passed. */
export interface Hop {
  /** Name of the agent. */
  readonly agent: string
  /** Name of the source. */
  readonly source: string
  /** Host of the agent. */
  readonly host: string
  /** Milliseconds since 1970. */
  readonly atMs: number
}

/** Hops of an event as a list from the last one; shared by the events of a batch. */
export interface Lineage {
  /** The last hop. */
  readonly hop: Hop
  /** Earlier hops, or undefined. */
  readonly previous: Lineage | undefined
}

/** Hops of an event, the first one first. */
export function hopsOf(lineage: Lineage | undefined): Hop[] {
  const hops: Hop[] = []
  for (let at = lineage; at !== undefined; at = at.previous) hops.unshift(at.hop)
  return hops
}

/** An event: a body of bytes, and headers. */
export class Event {
  /** Headers, by name. */
  headers: Headers
  /** Body. */
  body: Buffer
  /** Hops of the event; separate from the headers, which are unchanged by them. */
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

  /** A copy with its own headers; the body is shared. */
  clone(): Event {
    return new Event(this.body, newHeaders(this.headers), this.lineage)
  }
}
