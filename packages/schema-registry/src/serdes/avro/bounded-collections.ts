// SPDX-License-Identifier: Apache-2.0
// Arrays and maps of data from others: avsc believes the counts and lengths that are in them.
import avsc from 'avsc'

/** Position in the bytes that are read. */
interface Tap {
  pos: number
  readonly buf: Buffer
  readLong(): number
  readString(): string
  skipString(): void
}

/** A type with what avsc calls to read and to skip its values. */
interface Codec {
  _read(tap: Tap): unknown
  _skip(tap: Tap): void
}

/** Items of a collection that may take no bytes: `null`, empty records. */
const MAX_EMPTY_ITEMS = 100_000

type Constructor = new (schema: avsc.Schema, options: object) => avsc.Type

/**
 * An array that ends where the bytes end. A record of a few bytes could otherwise keep its reader
 * busy for minutes, or forever: with a count of 2^53, or a negative length, which moves back.
 */
export class BoundedArrayType extends (avsc.types.ArrayType as unknown as Constructor) {
  /** Reads a value; `this` may be the resolver of another type. */
  _read(this: { readonly itemsType: Codec }, tap: Tap): unknown[] {
    const { itemsType } = this
    const items: unknown[] = []
    readItems(tap, () => items.push(itemsType._read(tap)))
    return items
  }

  /** Skips a value. */
  _skip(this: { readonly itemsType: Codec }, tap: Tap): void {
    const { itemsType } = this
    readItems(tap, () => itemsType._skip(tap), true)
  }
}

/** A map that ends where the bytes end, as `BoundedArrayType`. */
export class BoundedMapType extends (avsc.types.MapType as unknown as Constructor) {
  /** Reads a value; `this` may be the resolver of another type. */
  _read(this: { readonly valuesType: Codec }, tap: Tap): object {
    const { valuesType } = this
    const values: Record<string, unknown> = {}
    readItems(tap, () => {
      const key = tap.readString()
      const value = valuesType._read(tap)
      if (key !== '__proto__') values[key] = value
      else Object.defineProperty(values, key, { value, enumerable: true, configurable: true })
    })
    return values
  }

  /** Skips a value. */
  _skip(this: { readonly valuesType: Codec }, tap: Tap): void {
    const { valuesType } = this
    readItems(
      tap,
      () => {
        tap.skipString()
        valuesType._skip(tap)
      },
      true,
    )
  }
}

/** Reads the blocks of a collection, to its end or to that of the bytes. */
function readItems(tap: Tap, readItem: () => void, skipsBlocks = false): void {
  const { length } = tap.buf
  let emptyItems = 0
  while (tap.pos <= length) {
    let count = tap.readLong()
    if (count === 0 || tap.pos > length) return
    if (count < 0) {
      count = -count
      const size = tap.readLong()
      if (skipsBlocks) {
        if (size < 0) throw new RangeError('the size of a block is negative')
        tap.pos += size
        continue
      }
    }
    for (; count > 0; count--) {
      const before = tap.pos
      readItem()
      if (tap.pos > length) return
      if (tap.pos < before) throw new RangeError('a length is negative')
      if (tap.pos > before) continue
      emptyItems++
      if (emptyItems > MAX_EMPTY_ITEMS) {
        throw new RangeError(`more than ${MAX_EMPTY_ITEMS} items of an array take no bytes`)
      }
    }
  }
}
