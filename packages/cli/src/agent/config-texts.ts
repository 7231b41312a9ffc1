// SPDX-License-Identifier: Apache-2.0
import { isUtf8 } from 'node:buffer'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { systemErrorCode } from '@millrace/base'
import type { ConfigText } from '@millrace/flume'
import { UsageError } from '../usage-error.ts'

const REQUEST_TIMEOUT_MS = 10_000

/** A source of configuration text: a file or an HTTP resource. */
export interface ConfigSource {
  readonly where: string
  /** Path of the file; absent for an HTTP resource. */
  readonly path?: string
  /** Reads its current text; rejects with a `UsageError` that names it. */
  read(): Promise<string>
}

/** Decodes a configuration: as UTF-8 if valid, else as ISO-8859-1, which Flume uses. */
function decoded(bytes: Buffer): string {
  return isUtf8(bytes) ? bytes.toString('utf8') : bytes.toString('latin1')
}

export function fileSource(path: string): ConfigSource {
  return {
    where: path,
    path,
    async read() {
      try {
        return decoded(await readFile(path))
      } catch (error) {
        throw new UsageError(`cannot read ${path}: ${systemErrorCode(error) ?? error}`)
      }
    },
  }
}

function pathOf(url: URL): string {
  try {
    return fileURLToPath(url)
  } catch {
    throw new UsageError(
      `invalid --conf-uri ${url.href}: expected a file of this machine, as file:///path`,
    )
  }
}

/**
 * A resource of Flume's `--conf-uri`: `file:`, `http:` or `https:`, the latter two with a name and
 * password for basic authentication.
 */
export function uriSource(uri: string, user?: string, password?: string): ConfigSource {
  const url = URL.canParse(uri) ? new URL(uri) : undefined
  if (url?.protocol === 'file:') return fileSource(pathOf(url))
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new UsageError(`invalid --conf-uri ${uri}: expected file:, http: or https:`)
  }
  const basic = Buffer.from(`${user ?? ''}:${password ?? ''}`).toString('base64')
  return {
    where: uri,
    async read() {
      try {
        const response = await fetch(url, {
          headers: user === undefined ? {} : { authorization: `Basic ${basic}` },
          signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
        })
        if (!response.ok) throw new Error(`status ${response.status}`)
        return decoded(Buffer.from(await response.arrayBuffer()))
      } catch (error) {
        const { cause, message } = error as Error
        throw new UsageError(`cannot read ${uri}: ${systemErrorCode(cause) ?? message}`)
      }
    },
  }
}

/** Reads the current text of all sources. */
export function readConfigTexts(places: readonly ConfigSource[]): Promise<ConfigText[]> {
  return Promise.all(
    places.map(async (place) => ({ where: place.where, text: await place.read() })),
  )
}

/** Parses `-Dname=value` as Java does; a name alone has an empty value. */
export function systemProperties(given: readonly string[]): Map<string, string> {
  return new Map(
    given.map((each) => {
      const at = each.indexOf('=')
      return at < 0 ? [each, ''] : [each.slice(0, at), each.slice(at + 1)]
    }),
  )
}
