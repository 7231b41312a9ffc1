// SPDX-License-Identifier: Apache-2.0
import { isUtf8 } from 'node:buffer'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { systemErrorCode } from '@millrace/base'
import type { ConfigText } from '@millrace/flume'
import { UsageError } from '../usage-error.ts'

const REQUEST_TIMEOUT_MS = 10_000

/** Where a part of the configuration is: a file, or a page that a server has. */
export interface ConfigPlace {
  readonly where: string
  /** The file's path; absent for a page. */
  readonly path?: string
  /** Its text as it is now; rejects with a `UsageError` that names it. */
  read(): Promise<string>
}

/** The text of a configuration. Flume reads ISO-8859-1; what is valid UTF-8 was meant as that. */
function decoded(bytes: Buffer): string {
  return isUtf8(bytes) ? bytes.toString('utf8') : bytes.toString('latin1')
}

export function filePlace(path: string): ConfigPlace {
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

/**
 * What Flume's `--conf-uri` takes: `file:`, `http:` and `https:`, the latter with a name and
 * password for basic authentication.
 */
export function uriPlace(uri: string, user?: string, password?: string): ConfigPlace {
  const url = URL.canParse(uri) ? new URL(uri) : undefined
  if (url?.protocol === 'file:') return filePlace(fileURLToPath(url))
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

/** All texts as they are now. */
export function readConfigTexts(places: readonly ConfigPlace[]): Promise<ConfigText[]> {
  return Promise.all(
    places.map(async (place) => ({ where: place.where, text: await place.read() })),
  )
}

/** `-Dname=value` as Java takes it; a name alone is empty. */
export function systemProperties(given: readonly string[]): Map<string, string> {
  return new Map(
    given.map((each) => {
      const at = each.indexOf('=')
      return at < 0 ? [each, ''] : [each.slice(0, at), each.slice(at + 1)]
    }),
  )
}
