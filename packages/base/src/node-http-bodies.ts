// SPDX-License-Identifier: Apache-2.0

/** The body of a request that is arriving. */
interface ArrivingBody {
  size: number
  /** When its last bytes arrived. */
  arrivedMs: number
  readonly startMs: number
  readonly abort: () => void
}

/** A body of fewer bytes is closed only if there are no larger ones. */
const SMALL_BYTES = 64 * 1024
/** A body without new bytes for this long has stalled. */
const STALL_MS = 1000

/** Bounds the memory of all bodies that are arriving, over all connections and servers. */
export class ArrivingBodies {
  readonly #maxBytes: number
  readonly #now: () => number
  readonly #bodies = new Set<ArrivingBody>()
  #bytes = 0

  /** Creates a bound of `maxBytes` bytes; `now` is a clock, in milliseconds. */
  constructor(maxBytes: number, now: () => number = () => performance.now()) {
    this.#maxBytes = maxBytes
    this.#now = now
  }

  /** Bytes that have arrived of bodies that are not complete. */
  get bytes(): number {
    return this.#bytes
  }

  /** Begins a body. `abort` ends its request, to make room for others. */
  begin(abort: () => void): ArrivingBodyHandle {
    const now = this.#now()
    const body = { size: 0, arrivedMs: now, startMs: now, abort }
    this.#bodies.add(body)
    return { add: (bytes) => this.#add(body, bytes), end: () => this.#end(body) }
  }

  /** False if there is no room for the bytes. */
  #add(body: ArrivingBody, bytes: number): boolean {
    body.size += bytes
    body.arrivedMs = this.#now()
    this.#bytes += bytes
    while (this.#bytes > this.#maxBytes) {
      const found = this.#slowest()
      if (found === undefined || found === body) return false
      this.#end(found)
      found.abort()
    }
    return true
  }

  /** A stalled body, the one that stalled first; otherwise the slowest one. */
  #slowest(): ArrivingBody | undefined {
    const now = this.#now()
    const large = [...this.#bodies].filter(({ size }) => size > SMALL_BYTES)
    const bodies = large.length > 0 ? large : [...this.#bodies]
    const stalled = bodies.filter(({ arrivedMs }) => now - arrivedMs >= STALL_MS)
    const scoreOf = (body: ArrivingBody): number =>
      stalled.length > 0 ? body.arrivedMs : body.size / Math.max(now - body.startMs, 1)
    let found: ArrivingBody | undefined
    for (const body of stalled.length > 0 ? stalled : bodies) {
      if (found === undefined || scoreOf(body) < scoreOf(found)) found = body
    }
    return found
  }

  #end(body: ArrivingBody): void {
    if (this.#bodies.delete(body)) this.#bytes -= body.size
  }
}

/** A body that is arriving. */
export interface ArrivingBodyHandle {
  /** Counts bytes that have arrived. False if there is no room for them. */
  readonly add: (bytes: number) => boolean
  /** Ends the body. Idempotent. */
  readonly end: () => void
}

/** The bound of this process. */
export const arrivingBodies = new ArrivingBodies(64 * 1024 * 1024)
