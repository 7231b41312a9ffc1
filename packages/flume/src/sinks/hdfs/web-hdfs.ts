// SPDX-License-Identifier: Apache-2.0
import type { ComponentContext } from '../../component.ts'
import { DeliveryError, reasonOf } from '../../errors.ts'
import type { BucketFile, BucketStore } from '../bucketing/bucket-writer.ts'
import type { InUseName } from './in-use-name.ts'

export interface WebHdfsOptions {
  /** URL of WebHDFS, as `http://namenode:9870`. */
  readonly endpoint: string
  readonly user: string | undefined
  readonly proxyUser: string | undefined
  /** 0: no limit. */
  readonly timeoutMs: number
  readonly inUse: InUseName
}

/** Files of WebHDFS: created, appended batch by batch, renamed when complete. */
export class WebHdfs implements BucketStore {
  readonly isDurable = true
  readonly #options: WebHdfsOptions
  readonly #context: ComponentContext

  constructor(options: WebHdfsOptions, context: ComponentContext) {
    this.#options = options
    this.#context = context
  }

  async open(given: string): Promise<BucketFile> {
    const path = pathOnly(given)
    const inUse = this.#options.inUse(path)
    await this.#transfer('PUT', inUse, 'CREATE', Buffer.alloc(0), { overwrite: 'false' })
    return {
      append: (part: Buffer) => this.#transfer('POST', inUse, 'APPEND', part),
      close: async () => {
        if (inUse === path) return
        const url = this.#url(inUse, 'RENAME', { destination: path })
        const { text } = await this.#request('PUT', url)
        const { boolean: isRenamed } = JSON.parse(text) as { readonly boolean: boolean }
        if (!isRenamed) {
          this.#context.logger.error('cannot rename a file; it keeps its temporary name', {
            sink: this.#context.name,
            file: inUse,
          })
        }
      },
    }
  }

  #url(path: string, operation: string, more: Readonly<Record<string, string>> = {}): string {
    const { user, proxyUser, endpoint } = this.#options
    const query = new URLSearchParams({ op: operation, ...more })
    if (user !== undefined) query.set('user.name', user)
    if (proxyUser !== undefined && proxyUser !== '') query.set('doas', proxyUser)
    return `${endpoint.replace(/\/$/, '')}/webhdfs/v1${path.split('/').map(encodeURIComponent).join('/')}?${query}`
  }

  /** The name node redirects to a data node, which stores the bytes. */
  async #transfer(
    method: 'PUT' | 'POST',
    path: string,
    operation: string,
    body: Buffer,
    more?: Readonly<Record<string, string>>,
  ): Promise<void> {
    const { location } = await this.#request(method, this.#url(path, operation, more))
    if (location !== undefined) await this.#request(method, location, body)
  }

  async #request(method: string, url: string, body?: Buffer): Promise<Answer> {
    let answer: Answer
    try {
      answer = await exchange(method, url, body, this.#options.timeoutMs)
    } catch (error) {
      throw new DeliveryError(`${url}: ${reasonOf(error)}`, error)
    }
    const { status, text } = answer
    if ((status >= 200 && status < 300) || status === 307) return answer
    const said = /"message":"((?:[^"\\]|\\.)*)"/.exec(text)?.[1] ?? text.slice(0, 200)
    throw new DeliveryError(`${url}: ${status} ${said}`)
  }
}

interface Answer {
  readonly status: number
  readonly location: string | undefined
  readonly text: string
}

/** One request. Data nodes send an unrequested "100 Continue", which `fetch` refuses. */
async function exchange(
  method: string,
  url: string,
  body: Buffer | undefined,
  timeoutMs: number,
): Promise<Answer> {
  const { request } = await (url.startsWith('https:') ? import('node:https') : import('node:http'))
  return new Promise((resolve, reject) => {
    const outgoing = request(url, {
      method,
      headers: {
        'content-length': body?.length ?? 0,
        ...(body === undefined ? {} : { 'content-type': 'application/octet-stream' }),
      },
      ...(timeoutMs > 0 ? { signal: AbortSignal.timeout(timeoutMs) } : {}),
    })
    outgoing.on('error', reject)
    outgoing.on('response', (response) => {
      const chunks: Buffer[] = []
      response.on('error', reject)
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          location: response.headers.location,
          text: Buffer.concat(chunks).toString(),
        }),
      )
    })
    outgoing.end(body)
  })
}

/** The absolute path without scheme and authority. */
function pathOnly(path: string): string {
  const plain = path.replace(/^\w+:\/\/[^/]*/, '')
  return `/${plain.replace(/^\/+/, '')}`.replaceAll(/\/{2,}/g, '/')
}
