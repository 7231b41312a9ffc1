// SPDX-License-Identifier: Apache-2.0
import {
  booleanOf,
  checkRuleSet,
  fieldsOf,
  integerOf,
  readMetadata,
  readRuleSet,
  textOf,
} from '../registry/data-contract.ts'
import type { SchemaRequest } from '../registry/register.ts'
import { errors, RegistryError } from '../registry/registry-error.ts'
import { readReferences } from '../registry/registry-record.ts'

/** A request for the API, decoded. */
export interface ApiRequest {
  /** Values of the variable segments of the path, by name. */
  readonly params: Readonly<Record<string, string>>
  /** Parameters after the `?`. */
  readonly query: URLSearchParams
  /** Body, parsed; undefined if the request has none. */
  readonly body: unknown
}

/** A reply of the API. */
export interface ApiReply {
  /** Status. Default 200. */
  readonly status?: number
  /** Body as JSON; undefined for none. */
  readonly json?: unknown
  /** Items of a JSON array, instead of `json`: made and sent one by one, as the client reads. */
  readonly items?: Iterable<unknown>
  /** Body as text, instead of JSON. */
  readonly text?: string
}

/** A reply with a JSON body. */
export function json(value: unknown): ApiReply {
  return { json: value }
}

/** Whether a parameter is `true`, in any case. */
export function flag(request: ApiRequest, name: string): boolean {
  return request.query.get(name)?.trim().toLowerCase() === 'true'
}

/** An integer parameter; a value that is not one has no resource. */
export function integer(request: ApiRequest, name: string, otherwise: number): number {
  const text = request.query.get(name)?.trim()
  if (text === undefined || text === '') return otherwise
  return parseInteger(text) ?? notFound()
}

/** An integer of 32 bits; undefined for another text. */
export function parseInteger(text: string): number | undefined {
  if (!/^[+-]?\d+$/.test(text)) return undefined
  const value = Number(text)
  return value >= -(2 ** 31) && value < 2 ** 31 ? value : undefined
}

/** Throws the error of a path without a resource. */
export function notFound(): never {
  throw new RegistryError(404, 'HTTP 404 Not Found')
}

/** A segment of the path. */
export function param(request: ApiRequest, name: string): string {
  return request.params[name] ?? notFound()
}

/** An id in the path. */
export function idParam(request: ApiRequest): number {
  return parseInteger(param(request, 'id')) ?? notFound()
}

/** A version in the path: a number, or -1 for `latest`. Throws 42202. */
export function versionParam(request: ApiRequest): number {
  const text = param(request, 'version').trim()
  if (text.toLowerCase() === 'latest') return -1
  const version = parseInteger(text)
  if (version === undefined) throw errors.invalidVersion(text)
  if (version <= 0 && version !== -1) throw errors.invalidVersion(String(version))
  return version
}

/** A page of a list: `offset` items are left out, at most `limit` returned. */
export function page<T>(
  request: ApiRequest,
  items: readonly T[],
  maxLimit = Number.POSITIVE_INFINITY,
): readonly T[] {
  const offset = Math.max(integer(request, 'offset', 0), 0)
  const wanted = integer(request, 'limit', -1)
  const limit = wanted > 0 && wanted <= maxLimit ? wanted : maxLimit
  return offset === 0 && limit >= items.length ? items : items.slice(offset, offset + limit)
}

/** The body, which must be a JSON object. */
export function bodyFields({ body }: ApiRequest): Readonly<Record<string, unknown>> {
  if (body === undefined || body === null) {
    throw new RegistryError(422, 'The request body may not be null', { status: 422 })
  }
  return fieldsOf(body, 'body') ?? {}
}

/** The schema of a body. Throws 400, 422, and 42210 with `checksRules`. */
export function schemaOf(request: ApiRequest, checksRules = false): SchemaRequest {
  const fields = bodyFields(request)
  const ruleSet = readRuleSet(fields.ruleSet)
  if (checksRules) checkRuleSet(ruleSet)
  const id = integerOf(fields.id, 'id') ?? -1
  return {
    schema: textOf(fields.schema, 'schema') ?? '',
    schemaType: textOf(fields.schemaType, 'schemaType') ?? 'AVRO',
    references: readReferences(fields.references),
    metadata: readMetadata(fields.metadata),
    ruleSet,
    id: id >= 0 ? id : undefined,
    version: integerOf(fields.version, 'version') ?? 0,
  }
}

export { booleanOf }
