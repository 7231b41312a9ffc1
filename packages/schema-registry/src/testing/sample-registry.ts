// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'
import type { RegistryReply, RegistryRequest, RegistryTransport } from '../client/http-transport.ts'
import type { SchemaInput } from '../client/schema-registry-client.ts'

interface Entry extends SchemaInput {
  readonly id: number
  readonly guid: string
}

/** A registry for tests of serdes: it registers everything, without rules. */
export class SampleRegistry implements RegistryTransport {
  /** Requests so far, as `METHOD /path`. */
  readonly requests: string[] = []
  readonly #schemas: Entry[] = []
  readonly #subjects = new Map<string, Entry[]>()
  /** An error for all requests; undefined to answer them. */
  failure: Error | RegistryReply | undefined

  async send({ method, url, body }: RegistryRequest): Promise<RegistryReply> {
    this.requests.push(`${method} ${url.pathname}`)
    await new Promise(setImmediate)
    if (this.failure instanceof Error) throw this.failure
    if (this.failure !== undefined) return this.failure
    const parts = url.pathname.split('/').slice(1).map(decodeURIComponent)
    const input = body === undefined ? undefined : (JSON.parse(body) as SchemaInput)
    const found = this.#answer(method, parts, input)
    if (found !== undefined) return { status: 200, body: JSON.stringify(found) }
    return { status: 404, body: '{"error_code":40403,"message":"Schema not found"}' }
  }

  close(): void {}

  /** Registers a schema without a request. */
  register(subject: string, input: SchemaInput): Entry & { readonly version: number } {
    const known = this.#schemas.find((each) => isSame(each, input))
    const entry = known ?? {
      ...input,
      id: this.#schemas.length + 1,
      guid: guidOf(input),
    }
    if (known === undefined) this.#schemas.push(entry)
    const versions = this.#subjects.get(subject) ?? []
    this.#subjects.set(subject, versions)
    const at = versions.indexOf(entry)
    if (at >= 0) return { ...entry, version: at + 1 }
    versions.push(entry)
    return { ...entry, version: versions.length }
  }

  #answer(method: string, parts: readonly string[], input: SchemaInput | undefined): unknown {
    const [collection, name = '', kind, version = ''] = parts
    if (method === 'POST' && input !== undefined) {
      const isKnown = this.#subjects.get(name)?.some((each) => isSame(each, input)) === true
      return kind === 'versions' || isKnown ? this.register(name, input) : undefined
    }
    if (collection === 'subjects') {
      const versions = this.#subjects.get(name) ?? []
      const number = version === 'latest' ? versions.length : Number(version)
      const entry = versions[number - 1]
      return entry && { ...entry, subject: name, version: number }
    }
    if (name === 'guids') return this.#schemas.find(({ guid }) => guid === kind)
    return this.#schemas.find(({ id }) => String(id) === kind)
  }
}

function isSame(a: SchemaInput, b: SchemaInput): boolean {
  return guidOf(a) === guidOf(b)
}

function guidOf({ schema, schemaType = 'AVRO', references = [] }: SchemaInput): string {
  const text = JSON.stringify([schema, schemaType, references])
  return createHash('md5')
    .update(text)
    .digest('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}
