// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from 'node:timers/promises'
import type { ConnectionOptions } from 'node:tls'
import { MillraceError } from '@millrace/base'
import type { RuleSet, SchemaMetadata } from '../schema/data-contract.ts'
import type { SchemaReference, SchemaType } from '../schema/schema.ts'
import { HttpTransport, type RegistryReply, type RegistryTransport } from './http-transport.ts'
import { LruCache } from './lru-cache.ts'
import { RegistryError } from './registry-error.ts'

/** Options of a `SchemaRegistryClient`. */
export interface SchemaRegistryClientOptions {
  /**
   * Addresses of the registries of one cluster, `http:` or `https:`, tried in turn. A path is kept,
   * for example of a proxy. A user and password in an address are used for basic authentication.
   */
  readonly urls: string | readonly string[]
  /** Basic authentication. Default: none. */
  readonly basicAuth?: { readonly username: string; readonly password: string }
  /** Bearer token, or a function that returns the current one. Default: none. */
  readonly token?: string | (() => string | Promise<string>)
  /** Headers of every request. Default: none. */
  readonly headers?: Readonly<Record<string, string>>
  /** Options of `tls.connect` for `https:` addresses, for example `ca`. Default: Node's. */
  readonly tls?: ConnectionOptions
  /** Time-out of one request, milliseconds, from 1. Default 60,000, as in Java. */
  readonly timeoutMs?: number
  /**
   * Repetitions after no answer, 408, 429 or 500 to 599, each over all addresses, from 0. Default
   * 3, as in Java.
   */
  readonly maxRetries?: number
  /** First wait before a repetition, milliseconds; doubled each time up to 20 s. Default 1000. */
  readonly retryWaitMs?: number
  /** Schemas kept by id, GUID and subject, each from 1. Default 1000, as in Java. */
  readonly cacheSize?: number
  /** Carries the requests. Default: sockets. */
  readonly transport?: RegistryTransport
}

/** A schema as sent to a registry. */
export interface SchemaInput {
  /** Text. */
  readonly schema: string
  /** Format. Default AVRO. */
  readonly schemaType?: SchemaType
  /** Uses of other schemas. Default: none. */
  readonly references?: readonly SchemaReference[]
  /** Metadata. Default: that of the latest version. */
  readonly metadata?: SchemaMetadata
  /** Rules. Default: those of the latest version. */
  readonly ruleSet?: RuleSet
}

/** A schema as a registry returns it. */
export interface RegisteredSchema extends SchemaInput {
  /** Format. */
  readonly schemaType: SchemaType
  /** Uses of other schemas. */
  readonly references: readonly SchemaReference[]
  /** Id within the context. */
  readonly id: number
  /** GUID; undefined from registries before 8.0. */
  readonly guid: string | undefined
  /** Subject; undefined if it was not part of the question. */
  readonly subject: string | undefined
  /** Version within the subject; undefined if it was not part of the question. */
  readonly version: number | undefined
}

/** A rule that a schema breaks, as a registry of millrace explains it. */
export interface CompatibilityReason {
  /** Version that the schema was compared with. */
  readonly version: number
  /** `BACKWARD`: the schema cannot read data of that version. `FORWARD`: the other direction. */
  readonly direction: 'BACKWARD' | 'FORWARD'
  /** Confluent's name of the rule. */
  readonly errorType: string
  /** Place in the schema. */
  readonly path: string
  /** The rule in a sentence. */
  readonly rule: string
  /** What the author of the schema can do. */
  readonly remedy: string
}

/** Verdict about a schema. */
export interface CompatibilityVerdict {
  /** Whether it may be registered. */
  readonly isCompatible: boolean
  /** Reasons against it, in Confluent's form. */
  readonly messages: readonly string[]
  /** Reasons against it as data; undefined from other registries than millrace's. */
  readonly why: readonly CompatibilityReason[] | undefined
}

const MEDIA_TYPE = 'application/vnd.schemaregistry.v1+json'
const MAX_RETRY_WAIT_MS = 20_000

type Query = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>

/**
 * Client of a schema registry with Confluent's REST API: of millrace, Confluent, Karapace or
 * Apicurio (`/apis/ccompat/v7`). Schemas by id and GUID are cached, since they never change; equal
 * questions at the same time share one request. Methods reject with `RegistryError`.
 */
export class SchemaRegistryClient implements Disposable {
  readonly #urls: readonly string[]
  readonly #options: SchemaRegistryClientOptions
  readonly #transport: RegistryTransport
  readonly #authorization: string | undefined
  readonly #schemas: LruCache<string, RegisteredSchema>
  readonly #registered: LruCache<string, RegisteredSchema>
  readonly #pending = new Map<string, Promise<unknown>>()
  readonly #closing = new AbortController()
  /** Address that answered last. */
  #current = 0

  /** Creates a client; it connects on first use. Throws `MILLRACE_INVALID_OPTION`. */
  constructor(options: SchemaRegistryClientOptions) {
    const given = typeof options.urls === 'string' ? options.urls.split(',') : options.urls
    const urls = given.map(parseUrl)
    const [first] = urls
    if (first === undefined) throw invalid('urls', given, 'at least one address')
    this.#urls = urls.map(({ origin, pathname }) => `${origin}${pathname.replace(/\/+$/, '')}`)
    checkNumber('timeoutMs', options.timeoutMs, 1)
    checkNumber('maxRetries', options.maxRetries, 0)
    checkNumber('retryWaitMs', options.retryWaitMs, 0)
    checkNumber('cacheSize', options.cacheSize, 1)
    this.#options = options
    this.#transport = options.transport ?? new HttpTransport(options.tls)
    this.#authorization = basicAuthorization(options, first)
    const { cacheSize = 1000 } = options
    this.#schemas = new LruCache(cacheSize)
    this.#registered = new LruCache(cacheSize)
  }

  /** Ends waiting requests and closes connections. */
  close(): void {
    this.#closing.abort(new MillraceError('MILLRACE_CLOSED', 'the registry client is closed'))
    this.#transport.close()
  }

  /** Same as `close`. */
  [Symbol.dispose](): void {
    this.close()
  }

  /** The schema of an id if it is in the cache. */
  cachedById(id: number): RegisteredSchema | undefined {
    return this.#schemas.get(`${id}:`)
  }

  /** The schema of a GUID if it is in the cache. */
  cachedByGuid(guid: string): RegisteredSchema | undefined {
    return this.#schemas.get(guid)
  }

  /** Schema of an id. `subject` names the context, and makes servers return its version. */
  async schemaById(
    id: number,
    options: { readonly subject?: string; readonly format?: string } = {},
  ): Promise<RegisteredSchema> {
    const { subject, format } = options
    const key = `${id}:${format ?? ''}`
    return this.#cached(key, async () => {
      const found = await this.request('GET', `/schemas/ids/${id}`, { query: { subject, format } })
      return schemaOf(found, { id })
    })
  }

  /** Schema of a GUID. */
  async schemaByGuid(
    guid: string,
    options: { readonly format?: string } = {},
  ): Promise<RegisteredSchema> {
    const { format } = options
    const key = format === undefined ? guid : `${guid}:${format}`
    return this.#cached(key, async () => {
      const found = await this.request('GET', `/schemas/guids/${guid}`, { query: { format } })
      return schemaOf(found, { guid, id: -1 })
    })
  }

  /** A version of a subject; `'latest'` is the highest one that is not deleted. */
  async version(
    subject: string,
    version: number | 'latest' = 'latest',
    options: { readonly isDeleted?: boolean; readonly format?: string } = {},
  ): Promise<RegisteredSchema> {
    const query = { deleted: options.isDeleted, format: options.format }
    const path = `/subjects/${encode(subject)}/versions/${version}`
    return schemaOf(await this.#shared('GET', path, { query }), {})
  }

  /** Latest version of a subject whose metadata has all of the properties. */
  async versionWithMetadata(
    subject: string,
    properties: Readonly<Record<string, string>>,
  ): Promise<RegisteredSchema> {
    const query = { key: Object.keys(properties), value: Object.values(properties) }
    const path = `/subjects/${encode(subject)}/metadata`
    return schemaOf(await this.#shared('GET', path, { query }), {})
  }

  /** Versions of a subject. */
  async versions(
    subject: string,
    options: { readonly isDeleted?: boolean } = {},
  ): Promise<readonly number[]> {
    const query = { deleted: options.isDeleted }
    return this.#list(`/subjects/${encode(subject)}/versions`, query, asNumber)
  }

  /** Subjects, of all contexts unless `prefix` names one. */
  async subjects(
    options: { readonly prefix?: string; readonly isDeleted?: boolean } = {},
  ): Promise<readonly string[]> {
    const query = { subjectPrefix: options.prefix, deleted: options.isDeleted }
    return this.#list('/subjects', query, String)
  }

  /**
   * Registers a schema under a subject, or finds it there. Rejects with status 409 if the subject's
   * compatibility level forbids it.
   */
  async register(
    subject: string,
    schema: SchemaInput,
    options: { readonly normalize?: boolean } = {},
  ): Promise<RegisteredSchema> {
    return this.#registration('versions', subject, schema, options.normalize ?? false)
  }

  /** Finds a schema under a subject. Rejects with status 404 if it is not registered there. */
  async lookup(
    subject: string,
    schema: SchemaInput,
    options: { readonly normalize?: boolean } = {},
  ): Promise<RegisteredSchema> {
    return this.#registration('', subject, schema, options.normalize ?? false)
  }

  /** Whether a schema could be registered under a subject, beside one version or the latest. */
  async checkCompatibility(
    subject: string,
    schema: SchemaInput,
    options: { readonly version?: number | 'latest' | 'all'; readonly normalize?: boolean } = {},
  ): Promise<CompatibilityVerdict> {
    const { version = 'latest', normalize = false } = options
    const end = version === 'all' ? '' : `/${version}`
    const found = recordOf(
      await this.request('POST', `/compatibility/subjects/${encode(subject)}/versions${end}`, {
        query: { normalize, verbose: true, why: true },
        body: bodyOf(schema),
      }),
    )
    const { messages, why } = found
    return {
      isCompatible: found.is_compatible === true,
      messages: Array.isArray(messages) ? messages.map(String) : [],
      why: Array.isArray(why) ? why.map(compatibilityReason) : undefined,
    }
  }

  /** Deletes all versions of a subject; returns their numbers. */
  async deleteSubject(
    subject: string,
    options: { readonly isPermanent?: boolean } = {},
  ): Promise<readonly number[]> {
    this.#registered.clear()
    const found = await this.request('DELETE', `/subjects/${encode(subject)}`, {
      query: { permanent: options.isPermanent },
    })
    return Array.isArray(found) ? found.map(asNumber) : []
  }

  /** Deletes one version of a subject. */
  async deleteVersion(
    subject: string,
    version: number | 'latest',
    options: { readonly isPermanent?: boolean } = {},
  ): Promise<number> {
    this.#registered.clear()
    const path = `/subjects/${encode(subject)}/versions/${version}`
    return asNumber(
      await this.request('DELETE', path, { query: { permanent: options.isPermanent } }),
    )
  }

  /**
   * Restores soft-deleted versions of a subject: one, or all; returns their numbers. Registries of
   * millrace only: others answer with status 404 or 405.
   */
  async undelete(subject: string, version?: number | 'latest'): Promise<readonly number[]> {
    const end = version === undefined ? '' : `/versions/${version}`
    const found = await this.request('POST', `/subjects/${encode(subject)}${end}/undelete`)
    return Array.isArray(found) ? found.map(asNumber) : [asNumber(found)]
  }

  /** Configuration of a subject, or the global one. */
  async config(
    subject?: string,
    options: { readonly defaultToGlobal?: boolean } = {},
  ): Promise<Readonly<Record<string, unknown>>> {
    const query = { defaultToGlobal: options.defaultToGlobal }
    return recordOf(await this.request('GET', `/config${pathOf(subject)}`, { query }))
  }

  /** Changes the configuration of a subject, or the global one; absent keys are kept. */
  async setConfig(
    config: Readonly<Record<string, unknown>>,
    subject?: string,
  ): Promise<Readonly<Record<string, unknown>>> {
    return recordOf(await this.request('PUT', `/config${pathOf(subject)}`, { body: config }))
  }

  /** Removes the configuration of a subject, or the global one. */
  async deleteConfig(subject?: string): Promise<void> {
    await this.request('DELETE', `/config${pathOf(subject)}`)
  }

  /** Mode of a subject, or the global one: READWRITE, READONLY, IMPORT … */
  async mode(
    subject?: string,
    options: { readonly defaultToGlobal?: boolean } = {},
  ): Promise<string> {
    const query = { defaultToGlobal: options.defaultToGlobal }
    return String(recordOf(await this.request('GET', `/mode${pathOf(subject)}`, { query })).mode)
  }

  /** Changes the mode of a subject, or the global one. */
  async setMode(
    mode: string,
    subject?: string,
    options: { readonly isForced?: boolean } = {},
  ): Promise<void> {
    const query = { force: options.isForced }
    await this.request('PUT', `/mode${pathOf(subject)}`, { query, body: { mode } })
  }

  /**
   * Any request of the REST API: resolves with the parsed answer. `path` starts with `/`; its parts
   * must be encoded.
   */
  async request(
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    path: string,
    options: { readonly query?: Query; readonly body?: unknown } = {},
  ): Promise<unknown> {
    const { query = {}, body } = options
    const target = `${path}${queryText(query)}`
    const { maxRetries = 3, retryWaitMs = 1000 } = this.#options
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await this.#attempt(method, target, body)
      } catch (error) {
        const isOver = attempt >= maxRetries || this.#closing.signal.aborted
        if (isOver || !(error instanceof RegistryError) || !error.retriable) throw error
        const wait = Math.min(retryWaitMs * 2 ** attempt, MAX_RETRY_WAIT_MS)
        await delay(wait, undefined, { signal: this.#closing.signal, ref: false })
      }
    }
  }

  /** One round over the addresses, from the one that answered last. */
  async #attempt(method: RegistryMethod, target: string, body: unknown): Promise<unknown> {
    let last: unknown
    for (let turn = 0; turn < this.#urls.length; turn += 1) {
      const index = (this.#current + turn) % this.#urls.length
      const base = this.#urls[index]
      if (base === undefined) continue
      try {
        const answer = await this.#send(base, method, target, body)
        this.#current = index
        return answer
      } catch (error) {
        if (!(error instanceof RegistryError) || !error.retriable) throw error
        last = error
      }
    }
    throw last
  }

  async #send(
    base: string,
    method: RegistryMethod,
    target: string,
    body: unknown,
  ): Promise<unknown> {
    const { timeoutMs = 60_000 } = this.#options
    const what = `${method} ${base}${target}`
    const headers = await this.#headers(body !== undefined)
    let reply: RegistryReply
    try {
      reply = await this.#transport.send({
        url: new URL(`${base}${target}`),
        method,
        headers,
        body: body === undefined ? undefined : JSON.stringify(body),
        signal: AbortSignal.any([this.#closing.signal, AbortSignal.timeout(timeoutMs)]),
      })
    } catch (cause) {
      if (this.#closing.signal.aborted) throw this.#closing.signal.reason
      const reason = timedOut(cause) ? `no answer within ${timeoutMs} ms` : reasonOf(cause)
      throw new RegistryError(`${what}: ${reason}`, { status: 0, retriable: true, cause })
    }
    return answerOf(reply, what)
  }

  async #headers(hasBody: boolean): Promise<Record<string, string>> {
    const { token, headers } = this.#options
    const bearer = typeof token === 'function' ? await token() : token
    const authorization = bearer === undefined ? this.#authorization : `Bearer ${bearer}`
    return {
      accept: `${MEDIA_TYPE}, application/vnd.schemaregistry+json, application/json`,
      ...(hasBody ? { 'content-type': MEDIA_TYPE } : {}),
      'confluent-accept-unknown-properties': 'true',
      ...(authorization === undefined ? {} : { authorization }),
      ...headers,
    }
  }

  async #registration(
    end: 'versions' | '',
    subject: string,
    schema: SchemaInput,
    normalize: boolean,
  ): Promise<RegisteredSchema> {
    const body = bodyOf(schema)
    const key = JSON.stringify([end, subject, normalize, body])
    const known = this.#registered.get(key)
    if (known !== undefined) return known
    return this.#once(key, async () => {
      const path = `/subjects/${encode(subject)}${end === '' ? '' : '/versions'}`
      const query = end === '' ? { normalize, deleted: false } : { normalize }
      const found = await this.request('POST', path, { query, body })
      const registered = schemaOf(found, { subject, ...schema })
      this.#registered.set(key, registered)
      return registered
    })
  }

  #cached(key: string, load: () => Promise<RegisteredSchema>): Promise<RegisteredSchema> {
    const known = this.#schemas.get(key)
    if (known !== undefined) return Promise.resolve(known)
    return this.#once(key, async () => {
      const schema = await load()
      this.#schemas.set(key, schema)
      return schema
    })
  }

  #shared(method: RegistryMethod, path: string, options: { query: Query }): Promise<unknown> {
    const key = `${method} ${path}${queryText(options.query)}`
    return this.#once(key, () => this.request(method, path, options))
  }

  /** Shares the answer with callers that ask the same before it is there. */
  #once<T>(key: string, load: () => Promise<T>): Promise<T> {
    const pending = this.#pending.get(key)
    if (pending !== undefined) return pending as Promise<T>
    const loading = load().finally(() => this.#pending.delete(key))
    this.#pending.set(key, loading)
    return loading
  }

  async #list<T>(
    path: string,
    query: Query,
    element: (value: unknown) => T,
  ): Promise<readonly T[]> {
    const found = await this.#shared('GET', path, { query })
    return Array.isArray(found) ? found.map(element) : []
  }
}

type RegistryMethod = 'GET' | 'POST' | 'PUT' | 'DELETE'

function parseUrl(text: string): URL {
  const url = URL.canParse(text.trim()) ? new URL(text.trim()) : undefined
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw invalid('urls', text, 'an http: or https: address')
  }
  return url
}

function basicAuthorization(
  { basicAuth }: SchemaRegistryClientOptions,
  first: URL,
): string | undefined {
  const username = basicAuth?.username ?? decodeURIComponent(first.username)
  const password = basicAuth?.password ?? decodeURIComponent(first.password)
  if (username === '' && password === '') return undefined
  if (username.includes(':')) throw invalid('basicAuth.username', username, 'a name without ":"')
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
}

function checkNumber(name: string, value: number | undefined, from: number): void {
  if (value === undefined || (Number.isInteger(value) && value >= from && value < 2 ** 31)) return
  throw invalid(name, value, `an integer from ${from} to 2147483647`)
}

function invalid(name: string, value: unknown, expected: string): MillraceError {
  return new MillraceError(
    'MILLRACE_INVALID_OPTION',
    `invalid ${name} ${JSON.stringify(value)}: expected ${expected}`,
  )
}

function encode(part: string): string {
  return encodeURIComponent(part)
}

function pathOf(subject: string | undefined): string {
  return subject === undefined ? '' : `/${encode(subject)}`
}

function queryText(query: Query): string {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue
    for (const each of Array.isArray(value) ? value : [value]) parameters.append(name, String(each))
  }
  const text = parameters.toString()
  return text === '' ? '' : `?${text}`
}

function bodyOf({ schema, schemaType, references, metadata, ruleSet }: SchemaInput): object {
  return {
    schema,
    ...(schemaType === undefined || schemaType === 'AVRO' ? {} : { schemaType }),
    ...(references === undefined || references.length === 0 ? {} : { references }),
    ...(metadata === undefined ? {} : { metadata }),
    ...(ruleSet === undefined ? {} : { ruleSet }),
  }
}

function answerOf({ status, body }: RegistryReply, what: string): unknown {
  const parsed = parse(body)
  if (status >= 200 && status <= 299) {
    if (parsed === undefined && body !== '') {
      throw new RegistryError(`${what}: the answer is not JSON: ${excerpt(body)}`, { status })
    }
    return parsed
  }
  const { error_code: code, message } =
    typeof parsed === 'object' && parsed !== null
      ? (parsed as { readonly error_code?: unknown; readonly message?: unknown })
      : {}
  const text = typeof message === 'string' ? message : excerpt(body)
  throw new RegistryError(`${what}: ${status}${text === '' ? '' : ` ${text}`}`, {
    status,
    ...(typeof code === 'number' && code !== 0 ? { errorCode: code } : {}),
    retriable: status === 408 || status === 429 || status >= 500,
  })
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body) as unknown
  } catch {
    return undefined
  }
}

function excerpt(text: string): string {
  return text.length <= 200 ? text : `${text.slice(0, 200)}…`
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Readonly<Record<string, unknown>>
  }
  throw new RegistryError(`expected an object, found ${excerpt(JSON.stringify(value) ?? '')}`, {
    status: 200,
  })
}

function compatibilityReason(value: unknown): CompatibilityReason {
  const { version, direction, errorType, path, rule, remedy } = recordOf(value)
  return {
    version: Number(version),
    direction: direction === 'FORWARD' ? 'FORWARD' : 'BACKWARD',
    errorType: String(errorType ?? ''),
    path: String(path ?? ''),
    rule: String(rule ?? ''),
    remedy: String(remedy ?? ''),
  }
}

function asNumber(value: unknown): number {
  return Number(value)
}

/** Fills what an answer lacks from the question: registries before 8.0 return only the id. */
function schemaOf(answer: unknown, known: Partial<RegisteredSchema>): RegisteredSchema {
  const found = { ...known, ...recordOf(answer) } as Partial<RegisteredSchema>
  const { schema, id, schemaType, references } = found
  if (typeof schema !== 'string' || typeof id !== 'number') {
    throw new RegistryError('the answer has no schema or no id', { status: 200 })
  }
  return {
    ...found,
    schema,
    id,
    schemaType: schemaType ?? 'AVRO',
    references: references ?? [],
    guid: found.guid,
    subject: found.subject,
    version: found.version,
  }
}

function timedOut(error: unknown): boolean {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  return cause instanceof Error && cause.name === 'TimeoutError'
}

function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0])
  return error instanceof Error ? error.message : String(error)
}
