// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import avsc from 'avsc'
import type { ComponentContext } from '../component.ts'
import { type CheckProblem, parsed, type ValuesOf } from '../config/keys.ts'
import { pathOf } from '../config/paths.ts'
import { DeliveryError, reasonOf } from '../errors.ts'
import type { Event } from '../event.ts'
import { openRegistry, type Registry } from '../schema-registry/registry.ts'
import { checkSsl, parseUrls, registryKeys } from '../schema-registry/registry-keys.ts'
import { AvroBlocks, avroFileKeys } from './avro-blocks.ts'
import type { EventSerializer } from './serializers.ts'

const LITERAL_HEADER = 'flume.avro.schema.literal'
const URL_HEADER = 'flume.avro.schema.url'
/** Schemas that are kept; then all are loaded again. */
const MAX_SCHEMAS = 1000
/** Time-out of loading `schemaURL`, milliseconds. */
const URL_TIMEOUT_MS = 10_000
const ID_BYTES = 5
const GUID_BYTES = 17

/** A place of a schema that can be read. */
function parseSchemaUrl(text: string): string {
  const scheme = /^([a-z][a-z\d+.-]+):/i.exec(text.trim())?.[1]?.toLowerCase()
  if (scheme === undefined || /^(file|https?)$/.test(scheme)) return text.trim()
  throw new Error('a path, or a URL of file:, http: or https:')
}

/** Keys of a serializer that writes bodies with their schema. */
export const avroBodyKeys = {
  ...avroFileKeys,
  ...registryKeys,
  urls: parsed<readonly string[] | undefined>(parseUrls, undefined, { key: 'schema.registry.url' }),
  schemaUrl: parsed<string | undefined>(parseSchemaUrl, undefined, { key: 'schemaURL' }),
}

type Config = ValuesOf<typeof avroBodyKeys>

/** Problems between the keys. `key` is the spelling of the serializer's type. */
export function checkAvroBodies(
  key: string,
  { urls, schemaUrl }: Config,
  entries: ReadonlyMap<string, string>,
): CheckProblem[] {
  const problems = checkSsl(`${key}.`, entries)
  if (urls === undefined || schemaUrl === undefined) return problems
  return [...problems, { key: `${key}.schemaURL`, message: 'excludes schema.registry.url' }]
}

/** Where the schema of a body is. */
type SchemaSource =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'id'; readonly id: number | string }
  | { readonly kind: 'url'; readonly url: string }

/** A body, and its schema. */
interface Found {
  readonly source: SchemaSource
  /** Equal for bodies that may be in one file. */
  readonly key: string
  /** Position in the body after the id of the schema. */
  readonly start: number
}

interface LoadedSchema {
  readonly text: string
  /** Throws for bytes that are not one value of the schema. */
  check(bytes: Buffer): void
}

/**
 * Avro containers of bodies, each a value of the schema that a header names, as in Flume's
 * `AvroEventSerializer`, or of the id before the value. A file has the values of one schema.
 */
export class AvroBodies {
  readonly #config: Config
  readonly #context: Pick<ComponentContext, 'directory' | 'logger'>
  readonly #schemas = new Map<string, LoadedSchema>()
  #registry: Promise<Registry> | undefined

  constructor(config: Config, context: Pick<ComponentContext, 'directory' | 'logger'>) {
    this.#config = config
    this.#context = context
  }

  /** Loads the schemas of events, and checks their bodies: one that is wrong spoils its file. */
  async prepare(events: readonly Event[]): Promise<void> {
    if (this.#schemas.size >= MAX_SCHEMAS) this.#schemas.clear()
    for (const event of events) {
      const { source, key, start } = this.#find(event)
      try {
        const known = this.#schemas.get(key)
        const schema = known ?? (await this.#load(source))
        if (known === undefined) this.#schemas.set(key, schema)
        schema.check(event.body.subarray(start))
      } catch (error) {
        const shown = key.length <= 100 ? key : `${key.slice(0, 100)}…`
        throw new DeliveryError(`an event with schema ${shown}: ${reasonOf(error)}`, error)
      }
    }
  }

  /** A serializer for the events with the schema of the first one. */
  newSerializer(first: Event): EventSerializer {
    const { key } = this.#find(first)
    const schema = this.#schemas.get(key)
    if (schema === undefined) throw new DeliveryError('the schema of an event is not loaded')
    const blocks = new AvroBlocks(schema.text, this.#config)
    return {
      begin: () => blocks.begin(),
      accepts: (event) => this.#find(event).key === key,
      write: (events) =>
        blocks.write(events, (out, event) => out.raw(event.body.subarray(this.#find(event).start))),
    }
  }

  /** Closes the client of the registry. */
  close(): void {
    this.#registry?.then(
      ({ client }) => client.close(),
      () => {},
    )
  }

  #find({ headers, body }: Event): Found {
    const { schemaUrl, urls } = this.#config
    const url = headers[URL_HEADER]
    if (url !== undefined && url !== schemaUrl) {
      throw new DeliveryError(
        `header ${URL_HEADER} is ${JSON.stringify(url)}: only the URL of schemaURL is read, since an event must not choose what the agent reads`,
      )
    }
    const literal = headers[LITERAL_HEADER]
    if (url === undefined && literal !== undefined) {
      return { source: { kind: 'literal', text: literal }, key: literal, start: 0 }
    }
    if (schemaUrl !== undefined) {
      return { source: { kind: 'url', url: schemaUrl }, key: schemaUrl, start: 0 }
    }
    const found =
      urls === undefined ? undefined : idOf(headers['schema.guid'] ?? headers['schema.id'], body)
    if (found === undefined) {
      throw new DeliveryError(
        `an event has no schema: expected header ${LITERAL_HEADER}, schemaURL, or schema.registry.url and a body with the id of its schema`,
      )
    }
    const { id, start } = found
    return { source: { kind: 'id', id }, key: String(id), start }
  }

  async #load(source: SchemaSource): Promise<LoadedSchema> {
    const text = await this.#text(source)
    const type = avsc.Type.forSchema(JSON.parse(text) as avsc.Schema, {
      typeHook: longHook,
      wrapUnions: true,
    })
    return {
      text,
      check(bytes) {
        const { offset } = type.decode(bytes, 0)
        if (offset === bytes.length) return
        throw new TypeError(
          `the body is not one value of it: ${offset < 0 ? 'it ends too early' : `the value ends after ${offset} of ${bytes.length} bytes`}`,
        )
      },
    }
  }

  async #text(source: SchemaSource): Promise<string> {
    switch (source.kind) {
      case 'literal':
        return source.text
      case 'url':
        return this.#read(source.url)
      case 'id':
        return this.#registered(source.id)
    }
  }

  async #read(url: string): Promise<string> {
    if (!/^https?:/i.test(url)) {
      const path = /^file:/i.test(url) ? fileURLToPath(url) : pathOf(url, this.#context.directory)
      return readFile(path, 'utf8')
    }
    const response = await fetch(url, { signal: AbortSignal.timeout(URL_TIMEOUT_MS) })
    if (!response.ok) throw new Error(`${url} answers with status ${response.status}`)
    return response.text()
  }

  async #registered(id: number | string): Promise<string> {
    const { urls = [] } = this.#config
    this.#registry ??= openRegistry({ ...this.#config, urls }, this.#context)
    const { client } = await this.#registry
    const load = (options: { readonly format?: string }) =>
      typeof id === 'number' ? client.schemaById(id, options) : client.schemaByGuid(id, options)
    const found = await load({})
    if (found.schemaType !== 'AVRO') throw new Error(`it is ${found.schemaType}, not AVRO`)
    // A container has no references: their schemas become part of the one that uses them.
    return found.references.length === 0
      ? found.schema
      : (await load({ format: 'resolved' })).schema
  }
}

/** The schema that a header or the bytes before a value name. */
function idOf(
  header: string | undefined,
  body: Buffer,
): { readonly id: number | string; readonly start: number } | undefined {
  const inBody = idInBody(body)
  if (header === undefined || String(inBody?.id) === header) return inBody
  if (/^\d{1,10}$/.test(header)) return { id: Number(header), start: 0 }
  return /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(header)
    ? { id: header, start: 0 }
    : undefined
}

function idInBody(
  body: Buffer,
): { readonly id: number | string; readonly start: number } | undefined {
  if (body[0] === 0 && body.length >= ID_BYTES) return { id: body.readInt32BE(1), start: ID_BYTES }
  if (body[0] !== 1 || body.length < GUID_BYTES) return undefined
  const digits = body.toString('hex', 1, GUID_BYTES)
  const id = digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
  return { id, start: GUID_BYTES }
}

/** Longs are only passed over; as numbers they would lose digits, which avsc refuses. */
const bytesOfLong = avsc.types.LongType.__with(
  {
    fromBuffer: (bytes: Buffer) => bytes,
    toBuffer: (bytes: Buffer) => bytes,
    fromJSON: (value: unknown) => value,
    toJSON: (value: unknown) => value,
    isValid: () => true,
    compare: () => 0,
  },
  true,
)

function longHook(schema: unknown): avsc.Type | undefined {
  const isLong = schema === 'long' || (schema as { readonly type?: unknown }).type === 'long'
  return isLong ? bytesOfLong : undefined
}
