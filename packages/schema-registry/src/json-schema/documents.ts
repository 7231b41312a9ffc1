// SPDX-License-Identifier: Apache-2.0
import { createRequire } from 'node:module'
import { InvalidSchemaError, type ResolvedReference } from '../schema/schema.ts'
import { type Draft, draftOf, draftOfAddress, isModern } from './draft.ts'
import { type JsonNode, parseJsonText } from './json-text.ts'
import { resolveReference, splitReference } from './uri.ts'

/** A text with the identifiers that it defines. */
export interface SchemaDocument {
  /** Root of the document; at its top level, `definitions` are `$defs` too. */
  readonly root: JsonNode
  readonly draft: Draft
  /** Address of the root; empty if it has none. */
  readonly base: string
  /** Values with an identifier or anchor, by address. */
  readonly identified: ReadonlyMap<string, Location>
}

/** A value of a document with what is needed to read it. */
export interface Location {
  readonly node: JsonNode
  readonly document: SchemaDocument
  /** Address against which references in the value are resolved. */
  readonly base: string
  /** Place in its document, for messages: `#/properties/a`. */
  readonly path: string
}

/** The document of a schema and those that it refers to. Nothing is ever fetched. */
export class SchemaDocuments {
  /** The schema itself. */
  readonly root: SchemaDocument
  readonly #references = new Map<string, SchemaDocument>()
  readonly #unread = new Map<string, string>()

  /** Parses the document; those of references are parsed on first use. */
  constructor(root: JsonNode, references: readonly ResolvedReference[]) {
    this.root = documentOf(root, draftOf(root, '7'), '')
    for (const { name, schema } of references) {
      for (const address of [name, resolveReference(this.root.base, name)]) {
        const { document } = splitReference(address)
        if (!this.#unread.has(document)) this.#unread.set(document, schema)
      }
    }
  }

  /** The value that `$ref: reference` at a location stands for. Throws `InvalidSchemaError`. */
  lookUp(reference: string, from: Location): Location {
    const absolute = resolveReference(from.base, reference)
    const identified =
      from.document.identified.get(absolute) ?? from.document.identified.get(reference)
    if (identified !== undefined) return identified
    if (reference === '' || reference.startsWith('#')) {
      return this.#inside(from.document, from.base, reference, from)
    }
    const target = splitReference(absolute)
    const name = splitReference(reference).document
    if (target.document === from.document.base && target.document !== '') {
      return this.#inside(from.document, from.base, reference, from)
    }
    const part = from.document.identified.get(target.document)
    if (part !== undefined) {
      return this.#pointer(part, target.fragment, reference, from)
    }
    const document = this.#document(name) ?? this.#document(target.document)
    if (document === undefined) throw unresolved(reference, from, 'no schema has this name')
    return this.#inside(document, document.base, reference, from)
  }

  /** The documents that have been referred to, by address. */
  get used(): ReadonlyMap<string, SchemaDocument> {
    return this.#references
  }

  #inside(document: SchemaDocument, base: string, reference: string, from: Location): Location {
    const { fragment } = splitReference(reference)
    // A part with its own `$id` is the root of pointers only since 2019-09.
    const part = isModern(document.draft) ? document.identified.get(base) : undefined
    const root = { node: document.root, document, base: document.base, path: '#' }
    const anchor =
      document.identified.get(`${base}#${fragment}`) ?? document.identified.get(`#${fragment}`)
    if (anchor !== undefined) return anchor
    if (part !== undefined && part.node !== document.root) {
      try {
        return this.#pointer(part, fragment, reference, from)
      } catch {
        // Confluent's registry also finds what is at this place of the whole document.
      }
    }
    return this.#pointer(root, fragment, reference, from)
  }

  #pointer(start: Location, fragment: string, reference: string, from: Location): Location {
    if (!fragment.startsWith('/') && fragment !== '' && isModern(start.document.draft)) {
      throw unresolved(reference, from, `no schema has the anchor '${fragment}'`)
    }
    let location = start
    // Up to draft 7, an unknown anchor stands for the document in Confluent's registry.
    for (const token of fragment.split('/').slice(1)) {
      const key = unescapeToken(token)
      const child = childOf(location.node, key)
      if (child === undefined) {
        throw unresolved(reference, from, `'${key}' does not exist at ${location.path}`)
      }
      location = descend(location, child, key)
    }
    return location
  }

  #document(address: string): SchemaDocument | undefined {
    const read = this.#references.get(address)
    if (read !== undefined) return read
    const text = this.#unread.get(address) ?? metaSchemaText(address)
    if (text === undefined) return undefined
    const root = parseJsonText(text)
    // A document of another generation is read like the one that refers to it.
    const own = draftOf(root, this.root.draft)
    const draft = isModern(own) === isModern(this.root.draft) ? own : this.root.draft
    const document = documentOf(root, draft, address)
    this.#references.set(address, document)
    return document
  }
}

/** The location of a child value; an `$id` in it changes the base address. */
export function descend(from: Location, node: JsonNode, ...keys: readonly string[]): Location {
  const path = `${from.path}/${keys.join('/')}`
  return { node, document: from.document, path, base: baseOf(node, from) }
}

/** The location of a document's root. */
export function rootLocation(document: SchemaDocument): Location {
  return { node: document.root, document, base: document.base, path: '#' }
}

function baseOf(node: JsonNode, from: Location): string {
  const id = idOf(node, from.document.draft)
  if (id === undefined || id.startsWith('#')) return from.base
  return resolveReference(from.base, id)
}

function idOf(node: JsonNode, draft: Draft): string | undefined {
  if (node.kind !== 'object') return undefined
  const id = node.members.get(draft === '4' ? 'id' : '$id')
  return id?.kind === 'string' ? id.value : undefined
}

function documentOf(parsed: JsonNode, draft: Draft, address: string): SchemaDocument {
  const root = withDefinitions(parsed)
  const id = idOf(root, draft)
  const own = id === undefined || id.startsWith('#') ? address : resolveReference(address, id)
  const identified = new Map<string, Location>()
  const document = { root, draft, base: splitReference(own).document, identified }
  collectIdentified(rootLocation(document), identified)
  return document
}

/** The root with `definitions` under `$defs` too, so that `#/$defs/x` finds either. */
function withDefinitions(root: JsonNode): JsonNode {
  if (root.kind !== 'object') return root
  const definitions = root.members.get('definitions')
  if (definitions?.kind !== 'object' || definitions.members.size === 0) return root
  const present = root.members.get('$defs')
  if (present !== undefined && present.kind !== 'object') return root
  const members = new Map([...definitions.members, ...(present?.members ?? [])])
  return {
    kind: 'object',
    members: new Map(root.members).set('$defs', { kind: 'object', members }),
  }
}

/** Finds identifiers and anchors. Locations are only created for these: documents are large. */
function collectIdentified(root: Location, identified: Map<string, Location>): void {
  const { document } = root
  const keys: string[] = []
  const visit = (node: JsonNode, outer: string): void => {
    if (node.kind === 'array') {
      for (const [index, item] of node.items.entries()) enter(String(index), item, outer)
    }
    if (node.kind !== 'object') return
    const id = idOf(node, document.draft)
    const base = id === undefined ? outer : baseOf(node, { ...root, base: outer })
    const anchors = isModern(document.draft) ? anchorsOf(node) : []
    if (id !== undefined || anchors.length > 0) {
      const location = { node, document, base, path: ['#', ...keys].join('/') }
      for (const anchor of anchors) identified.set(`${base}#${anchor}`, location)
      if (id !== undefined) {
        identified.set(id, location)
        identified.set(id.startsWith('#') ? `${base}${id}` : base, location)
      }
    }
    for (const [key, value] of node.members) {
      if (key !== 'enum' && key !== 'const') enter(key, value, base)
    }
  }
  const enter = (key: string, node: JsonNode, base: string): void => {
    if (node.kind !== 'object' && node.kind !== 'array') return
    keys.push(key)
    visit(node, base)
    keys.pop()
  }
  visit(document.root, root.base)
}

function anchorsOf(node: JsonNode): readonly string[] {
  if (node.kind !== 'object') return []
  return ['$anchor', '$dynamicAnchor'].flatMap((keyword) => {
    const anchor = node.members.get(keyword)
    return anchor?.kind === 'string' ? [anchor.value] : []
  })
}

function childOf(node: JsonNode, key: string): JsonNode | undefined {
  if (node.kind === 'object') return node.members.get(key)
  if (node.kind === 'array' && /^\d+$/.test(key)) return node.items[Number(key)]
  return undefined
}

function unescapeToken(token: string): string {
  let decoded = token
  try {
    decoded = decodeURIComponent(token)
  } catch {
    // Not an escaped token: `%` stands for itself.
  }
  return decoded.replaceAll('~1', '/').replaceAll('~0', '~')
}

function unresolved(reference: string, from: Location, reason: string): InvalidSchemaError {
  const advice = splitReference(reference).document
    ? '; register the schema and add a reference with this name (addresses are not fetched)'
    : ''
  return new InvalidSchemaError(
    `cannot resolve $ref '${reference}' at ${from.path}: ${reason}${advice}`,
  )
}

const metaSchemaFiles: Readonly<Partial<Record<Draft, string>>> = {
  '4': 'ajv-draft-04/dist/refs/json-schema-draft-04.json',
  '6': 'ajv/dist/refs/json-schema-draft-06.json',
  '7': 'ajv/dist/refs/json-schema-draft-07.json',
  '2019-09': 'ajv/dist/refs/json-schema-2019-09/schema.json',
  '2020-12': 'ajv/dist/refs/json-schema-2020-12/schema.json',
}
const vocabularies = /^https?:\/\/json-schema\.org\/draft\/(2019-09|2020-12)\/meta\/([a-z-]+)$/

/** Text of a meta-schema of JSON Schema: the only documents that are known without a reference. */
function metaSchemaText(address: string): string | undefined {
  const draft = draftOfAddress(address)
  const vocabulary = vocabularies.exec(address)
  const file =
    draft !== undefined
      ? metaSchemaFiles[draft]
      : vocabulary && `ajv/dist/refs/json-schema-${vocabulary[1]}/meta/${vocabulary[2]}.json`
  if (!file) return undefined
  try {
    return JSON.stringify(createRequire(import.meta.url)(file))
  } catch {
    return undefined
  }
}
