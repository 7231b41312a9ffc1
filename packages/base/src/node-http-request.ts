// SPDX-License-Identifier: Apache-2.0
import type { IncomingMessage } from 'node:http'
import { MillraceError } from './errors.ts'
import { type ArrivingBodies, type ArrivingBodyHandle, arrivingBodies } from './node-http-bodies.ts'

/** Target of an HTTP request. */
export interface HttpTarget {
  /** Path with its escapes, beginning with `/`. */
  readonly path: string
  /** Parameters after the first `?`. */
  readonly query: URLSearchParams
}

/** Splits a request target; undefined if it has no path, as `*` of OPTIONS. */
export function httpTarget(target: string): HttpTarget | undefined {
  // Clients of a proxy send the whole URL.
  const local = target.replace(/^https?:\/\/[^/?#]+/i, '').replace(/#.*$/s, '')
  const [, path = '', query = ''] = /^([^?]*)\??(.*)$/s.exec(local) ?? []
  if (path !== '' && !path.startsWith('/')) return undefined
  if (path === '' && target === '') return undefined
  return { path: path === '' ? '/' : path, query: new URLSearchParams(query) }
}

/** Decodes the escapes of a path or of a segment; undefined if they are not valid UTF-8. */
export function decodePath(path: string): string | undefined {
  try {
    return decodeURIComponent(path)
  } catch {
    return undefined
  }
}

/**
 * Reads the body of a request. Rejects with `MILLRACE_TOO_LARGE` once it has more than `maxBytes`
 * bytes, of which the rest is not read, and with Node's error if the client disconnects. All bodies
 * that are arriving have a bound together: over it, requests whose body has stalled are closed; if
 * there is none, this one may be rejected with `MILLRACE_BUSY`.
 */
export async function readBody(
  request: IncomingMessage,
  maxBytes: number,
  bodies: ArrivingBodies = arrivingBodies,
): Promise<Buffer> {
  const body = bodies.begin(() => request.destroy())
  try {
    return await read(request, maxBytes, body)
  } finally {
    body.end()
  }
}

async function read(
  request: IncomingMessage,
  maxBytes: number,
  body: ArrivingBodyHandle,
): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  // Leaving the loop early would destroy the socket, and the client would get no reply.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    size += (chunk as Buffer).length
    if (size > maxBytes) {
      throw new MillraceError('MILLRACE_TOO_LARGE', `the body has more than ${maxBytes} bytes`)
    }
    if (!body.add((chunk as Buffer).length)) {
      throw new MillraceError('MILLRACE_BUSY', 'too many bodies are arriving', { retriable: true })
    }
    chunks.push(chunk as Buffer)
  }
  const [first] = chunks
  return chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks)
}
