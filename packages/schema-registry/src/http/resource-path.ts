// SPDX-License-Identifier: Apache-2.0
// Which resource a request names: contexts in front of a path, and aliases, are resolved here.
import { decodePath, type HttpTarget } from '@millrace/base'
import { RegistryError } from '../registry/registry-error.ts'
import { ALL_CONTEXTS, normalizeSubject, prefixOfContext, qualify } from '../registry/subject.ts'
import type { Route } from './api.ts'

/** A resource: the segments of its path, decoded, and its parameters. */
export interface Resource {
  /** Segments. */
  readonly segments: readonly string[]
  /** Parameters. */
  readonly query: URLSearchParams
}

/** Splits a path and decodes its segments, so that a subject may contain a slash. Throws 400. */
export function resourceOf({ path, query }: HttpTarget): Resource {
  const segments = path.slice(1).replace(/\/$/, '').split('/').map(decodePath)
  if (segments.some((segment) => segment === undefined)) {
    throw new RegistryError(400, 'the path has an invalid escape')
  }
  const decoded = segments as string[]
  return inContext({ segments: decoded.length === 1 && decoded[0] === '' ? [] : decoded, query })
}

const hasContext = (subject: string): boolean =>
  subject.startsWith(':.') || subject.startsWith(ALL_CONTEXTS)

/** `/contexts/{context}/…` names the same resource with subjects of that context. */
function inContext(resource: Resource): Resource {
  const [first, context, ...rest] = resource.segments
  if (first !== 'contexts' || context === undefined) return resource
  const prefix = prefixOfContext(context)
  if (prefix === undefined) {
    throw new RegistryError(400, `Context name '${context}' cannot contain a colon`)
  }
  if (rest.length === 0) return { ...resource, segments: ['contexts', prefix] }
  const qualified = (subject: string): string => (hasContext(subject) ? subject : prefix + subject)
  const isSettings = rest[0] === 'config' || rest[0] === 'mode'
  const at = isSettings ? 1 : rest.indexOf('subjects') + 1
  const subject = rest[at]
  const segments = at === 0 || subject === undefined ? [...rest] : rest.with(at, qualified(subject))
  if (isSettings && rest.length === 1 && prefix !== '') segments.push(prefix)
  const query = new URLSearchParams(resource.query)
  if (rest[0] === 'schemas' && rest[1] === 'ids') {
    query.set('subject', qualified(query.get('subject') ?? ''))
  } else if (rest.length === 1 && (rest[0] === 'schemas' || rest[0] === 'subjects')) {
    query.set('subjectPrefix', qualified(query.get('subjectPrefix') ?? ''))
  }
  return { segments, query }
}

/** The resource with the subject that an alias stands for. */
export function withoutAlias(
  resource: Resource,
  aliasOf: (subject: string) => string | undefined,
): Resource {
  const resolve = (subject: string): string => {
    const normal = normalizeSubject(subject)
    const alias = subject === '' ? undefined : aliasOf(normal)
    return alias === undefined ? subject : qualify(normal, alias)
  }
  const { segments, query } = resource
  const at = segments.indexOf('subjects') + 1
  const subject = segments[at]
  if (at > 0 && subject !== undefined && at <= 2) {
    return { query, segments: segments.with(at, resolve(subject)) }
  }
  const asked = query.get('subject')
  if (segments[0] === 'schemas' && segments[1] === 'ids' && asked !== null) {
    const changed = new URLSearchParams(query)
    changed.set('subject', resolve(asked))
    return { segments, query: changed }
  }
  return resource
}

/** A route with the values of its variable segments. */
export interface RouteMatch {
  /** Route. */
  readonly route: Route
  /** Values by name. */
  readonly params: Readonly<Record<string, string>>
}

/** Finds the routes of a resource, by method. */
export class Router {
  readonly #routes: readonly (Route & { readonly segments: readonly string[] })[]

  constructor(routes: readonly Route[]) {
    // Fixed segments take precedence over variable ones.
    this.#routes = routes
      .map((route) => ({ ...route, segments: route.path.split('/').filter((s) => s !== '') }))
      .sort((a, b) => variables(a.segments) - variables(b.segments))
  }

  /** Routes of a resource; empty if there is no such resource. */
  match(segments: readonly string[]): RouteMatch[] {
    const matches = this.#routes.flatMap((route) => {
      const params = paramsOf(route.segments, segments)
      return params === undefined ? [] : [{ route, params }]
    })
    const [best] = matches
    return matches.filter(({ route }) => route.path === best?.route.path)
  }
}

const isVariable = (segment: string): boolean => segment.startsWith('{')

function variables(segments: readonly string[]): number {
  return segments.filter(isVariable).length
}

function paramsOf(
  pattern: readonly string[],
  segments: readonly string[],
): Readonly<Record<string, string>> | undefined {
  if (pattern.length !== segments.length) return undefined
  const params: Record<string, string> = {}
  for (const [index, part] of pattern.entries()) {
    const segment = segments[index] ?? ''
    if (isVariable(part) ? segment === '' : part !== segment) return undefined
    if (isVariable(part)) params[part.slice(1, -1)] = segment
  }
  return params
}
