// SPDX-License-Identifier: Apache-2.0
import type { Location, SchemaDocuments } from './documents.ts'
import type { JsonNode } from './json-text.ts'
import { commonOf, type ReferenceSchema, type Schema } from './model.ts'

/** Collects the references of a schema while it is read, and reads their targets afterwards. */
export class References {
  readonly #documents: SchemaDocuments
  readonly #pending: { readonly reference: ReferenceSchema; readonly target: Location }[] = []
  readonly #targets = new Map<JsonNode, Schema>()

  /** References are looked up in `documents`. */
  constructor(documents: SchemaDocuments) {
    this.#documents = documents
  }

  /** A reference to what `$ref: text` stands for at a location. */
  create(text: string, from: Location): ReferenceSchema {
    const target = this.#documents.lookUp(text, from)
    const reference: ReferenceSchema = {
      ...commonOf(from.node),
      kind: 'reference',
      target: undefined,
    }
    this.#pending.push({ reference, target })
    return reference
  }

  /** Reads all targets, each once, and those that they refer to. */
  resolve(read: (location: Location) => Schema): void {
    for (let next = this.#pending.pop(); next !== undefined; next = this.#pending.pop()) {
      const { node } = next.target
      const schema = this.#targets.get(node) ?? read(next.target)
      this.#targets.set(node, schema)
      next.reference.target = schema
    }
  }
}
