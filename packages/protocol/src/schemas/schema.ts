// SPDX-License-Identifier: Apache-2.0

import type { ByteSource } from '@millrace/base'

/** A range of versions: `3`, `3-7`, `3+` or `none`. */
export type VersionRange = `${number}` | `${number}-${number}` | `${number}+` | 'none'

interface PrimitiveTypes {
  int8: number
  int16: number
  uint16: number
  int32: number
  uint32: number
  int64: bigint
  float64: number
  bool: boolean
  string: string
  /** 22 characters of URL-safe base64, as Kafka prints topic ids. */
  uuid: string
  bytes: Buffer
  /** Record batches, not looked into. */
  records: Buffer
}
export type PrimitiveType = keyof PrimitiveTypes

/** One field of a message. `fields` belongs to the types `[]` (array of structs) and `struct`. */
export interface FieldSchema {
  /** Type of the value. */
  readonly type: PrimitiveType | `[]${PrimitiveType}` | '[]' | 'struct'
  /** Versions that have the field. */
  readonly versions: VersionRange
  /** Versions in which the value may be null. */
  readonly nullable?: VersionRange
  /** Tag number of a tagged field (KIP-482), present in the versions `tagged`. */
  readonly tag?: number
  /** Versions in which the field is tagged. */
  readonly tagged?: VersionRange
  /** Value in versions without the field, and of a tagged field that is absent. */
  readonly default?: number | bigint | string | boolean | null
  /** Whether a value may be dropped silently when the version has no room for it. */
  readonly ignorable?: true
  /** `none` for a field that keeps its fixed-size length in flexible versions. */
  readonly flexible?: 'none'
  /** Fields of the struct. */
  readonly fields?: FieldSchemas
}
export type FieldSchemas = Readonly<Record<string, FieldSchema>>

/** A message, request or response, or a key or value of a record. Field order is wire order. */
export interface MessageSchema {
  /** API key, or record type. */
  readonly apiKey?: number
  /** Name of the message, as `FetchRequest`. */
  readonly name: string
  /** Versions that exist. */
  readonly versions: VersionRange
  /** Versions with compact lengths and tagged fields (KIP-482). */
  readonly flexible: VersionRange
  /** Of a request: its newest version is not final. */
  readonly latestVersionUnstable?: true
  /** Fields, in wire order. */
  readonly fields: FieldSchemas
}

type Nullable<F> = F extends { readonly nullable: string } ? null : never

type DecodedField<F> = F extends { readonly type: '[]'; readonly fields: infer G }
  ? Struct<G>[]
  : F extends { readonly type: 'struct'; readonly fields: infer G }
    ? Struct<G>
    : F extends { readonly type: `[]${infer P extends PrimitiveType}` }
      ? PrimitiveTypes[P][]
      : F extends { readonly type: infer P extends PrimitiveType }
        ? P extends 'records'
          ? Buffer | null
          : PrimitiveTypes[P]
        : never

type Struct<G> = { [K in keyof G]: DecodedField<G[K]> | Nullable<G[K]> }

/** A decoded message: every field is there; one the version lacks has its default. */
export type MessageOf<S extends MessageSchema> = Struct<S['fields']>

/** Fields that every version has must be given, unless they have a default. */
type IsOmissible<F> = F extends
  | { readonly default: unknown }
  | { readonly tag: number }
  | { readonly ignorable: true }
  ? true
  : F extends { readonly versions: '0+' }
    ? false
    : true

type InputField<F> = F extends { readonly type: '[]'; readonly fields: infer G }
  ? readonly StructInput<G>[]
  : F extends { readonly type: 'struct'; readonly fields: infer G }
    ? StructInput<G>
    : F extends { readonly type: `[]${infer P extends PrimitiveType}` }
      ? readonly PrimitiveTypes[P][]
      : F extends { readonly type: infer P extends PrimitiveType }
        ? P extends 'records'
          ? Uint8Array | ByteSource | readonly Uint8Array[] | null
          : P extends 'bytes'
            ? Uint8Array
            : PrimitiveTypes[P]
        : never

type StructInput<G> = {
  readonly [K in keyof G as IsOmissible<G[K]> extends true ? never : K]:
    | InputField<G[K]>
    | Nullable<G[K]>
} & {
  readonly [K in keyof G as IsOmissible<G[K]> extends true ? K : never]?:
    | InputField<G[K]>
    | Nullable<G[K]>
    | undefined
}

/**
 * What `encode` takes: fields with a default, and those that not every version has, may be left
 * out.
 */
export type MessageInput<S extends MessageSchema> = StructInput<S['fields']>

/** The id that stands for none. */
export const ZERO_UUID = 'AAAAAAAAAAAAAAAAAAAAAA'

/** First and last version of a range; `none` gives `[0, -1]`. */
export function versionBounds(range: VersionRange): readonly [first: number, last: number] {
  if (range === 'none') return [0, -1]
  if (range.endsWith('+')) return [Number(range.slice(0, -1)), 0x7fff]
  const [first, last = first] = range.split('-')
  return [Number(first), Number(last)]
}

/** Whether a range contains a version; undefined contains none. */
export function inVersions(range: VersionRange | undefined, version: number): boolean {
  if (range === undefined) return false
  const [first, last] = versionBounds(range)
  return version >= first && version <= last
}
