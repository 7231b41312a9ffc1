// SPDX-License-Identifier: Apache-2.0

/** An element of a schema: a field, a type, a symbol. */
export interface SchemaElement {
  /** Path for people, for example `customer.address.city` or `Order.lines`. */
  readonly path: string
  /** Paths of reasons against the element, as in `Incompatibility.path`; also of what is below. */
  readonly places: readonly string[]
  /** Properties by name, as text. */
  readonly attributes: ReadonlyMap<string, string>
}

/** Elements of a schema by a key that is the same in both schemas, parents first. */
export type SchemaOutline = ReadonlyMap<string, SchemaElement>

/** Collects elements. */
export class OutlineBuilder {
  readonly elements = new Map<string, SchemaElement>()

  /** Adds an element; attributes that are undefined are left out. */
  add(
    key: string,
    path: string,
    places: readonly string[],
    attributes: Readonly<Record<string, string | undefined>>,
  ): void {
    const entries = Object.entries(attributes).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value] as const],
    )
    this.elements.set(key, { path, places, attributes: new Map(entries) })
  }
}
