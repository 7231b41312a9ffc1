// SPDX-License-Identifier: Apache-2.0
import type { Decimal } from './decimal.ts'

/** Type of the values of an Avro schema that is given as a literal (`as const`). */
export type AvroValue<S> = Value<S, NamedTypes<S>>

interface Primitives {
  readonly null: null
  readonly boolean: boolean
  readonly int: number
  readonly long: bigint
  readonly float: number
  readonly double: number
  readonly bytes: Buffer
  readonly string: string
}

type Value<S, Names> = S extends keyof Primitives
  ? Primitives[S]
  : S extends string
    ? Reference<S, Names>
    : S extends readonly unknown[]
      ? Union<S, Names>
      : S extends { readonly logicalType: 'timestamp-millis' | 'date' }
        ? Date
        : S extends { readonly logicalType: 'decimal' }
          ? Decimal
          : S extends { readonly type: 'record' | 'error'; readonly fields: infer F }
            ? { [Field in ElementOf<F> as NameOf<Field>]: FieldValue<Field, Names> }
            : S extends { readonly type: 'enum'; readonly symbols: readonly (infer Symbol)[] }
              ? Symbol
              : S extends { readonly type: 'array'; readonly items: infer Items }
                ? Value<Items, Names>[]
                : S extends { readonly type: 'map'; readonly values: infer Values }
                  ? Record<string, Value<Values, Names>>
                  : S extends { readonly type: 'fixed' }
                    ? Buffer
                    : S extends { readonly type: infer Inner }
                      ? Value<Inner, Names>
                      : unknown

type ElementOf<F> = F extends readonly (infer Element)[] ? Element : never
type NameOf<Field> = Field extends { readonly name: infer Name extends string } ? Name : never
type FieldValue<Field, Names> = Field extends { readonly type: infer Type }
  ? Value<Type, Names>
  : never

/** A named type that was defined elsewhere in the schema. */
type Reference<Name extends string, Names> =
  Extract<Names, { readonly name: Name | LastPart<Name> }> extends infer Found
    ? [Found] extends [never]
      ? unknown
      : Value<Found, Names>
    : never

type LastPart<Name extends string> = Name extends `${string}.${infer Rest}` ? LastPart<Rest> : Name

/** All named types that a schema defines. */
type NamedTypes<S> = S extends string
  ? never
  : S extends readonly (infer Branch)[]
    ? NamedTypes<Branch>
    : S extends { readonly type: 'record' | 'error'; readonly fields: infer F }
      ? S | NamedTypes<ElementOf<F>>
      : S extends { readonly type: 'enum' | 'fixed' }
        ? S
        : S extends { readonly type: 'array'; readonly items: infer Items }
          ? NamedTypes<Items>
          : S extends { readonly type: 'map'; readonly values: infer Values }
            ? NamedTypes<Values>
            : S extends { readonly type: infer Inner }
              ? NamedTypes<Inner>
              : never

/** Plain values; wrapped ones if two branches have the same JavaScript type. */
type Union<S extends readonly unknown[], Names> =
  IsAmbiguous<S, Names> extends true
    ? Wrapped<S[number], Names>
    : S[number] extends infer Branch
      ? Branch extends unknown
        ? Value<Branch, Names>
        : never
      : never

type Wrapped<Branch, Names> = Branch extends 'null'
  ? null
  : Branch extends unknown
    ? { [Key in BranchName<Branch>]: Value<Branch, Names> }
    : never

type BranchName<Branch> = Branch extends string
  ? Branch
  : Branch extends { readonly name: infer Name extends string; readonly namespace: infer Space }
    ? Space extends string
      ? `${Space}.${Name}`
      : Name
    : Branch extends { readonly name: infer Name extends string }
      ? Name
      : Branch extends { readonly type: infer Type extends string }
        ? Type
        : string

type Kind<Branch, Names> = Branch extends 'int' | 'long' | 'float' | 'double'
  ? 'number'
  : Branch extends 'bytes'
    ? 'buffer'
    : Branch extends 'null' | 'boolean' | 'string'
      ? Branch
      : Branch extends string
        ? Kind<Extract<Names, { readonly name: Branch | LastPart<Branch> }>, Names>
        : Branch extends { readonly logicalType: 'timestamp-millis' | 'date' | 'decimal' }
          ? 'object'
          : Branch extends { readonly type: 'fixed' }
            ? 'buffer'
            : Branch extends { readonly type: 'enum' }
              ? 'string'
              : Branch extends { readonly type: 'array' }
                ? 'array'
                : Branch extends { readonly type: 'record' | 'error' | 'map' }
                  ? 'object'
                  : Branch extends { readonly type: infer Inner }
                    ? Kind<Inner, Names>
                    : 'object'

type IsAmbiguous<S extends readonly unknown[], Names, Seen = never> = S extends readonly [
  infer First,
  ...infer Rest,
]
  ? Kind<First, Names> extends Seen
    ? true
    : IsAmbiguous<Rest, Names, Seen | Kind<First, Names>>
  : false
