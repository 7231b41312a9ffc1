// SPDX-License-Identifier: Apache-2.0

/**
 * Type of the values of a JSON Schema that is given as a literal (`as const`). Understood: `type`,
 * `properties`, `required`, `additionalProperties`, `items`, `prefixItems`, `enum`, `const`,
 * `oneOf`, `anyOf`, `allOf`, and `$ref` to `$defs` or `definitions`; other keywords do not narrow
 * the type.
 */
export type JsonSchemaValue<S> = Value<S, S>

type Value<S, Root> = S extends true
  ? unknown
  : S extends false
    ? never
    : S extends { readonly $ref: infer Ref extends string }
      ? Value<Target<Ref, Root>, Root>
      : S extends { readonly const: infer Const }
        ? Const
        : S extends { readonly enum: readonly (infer Member)[] }
          ? Member
          : S extends { readonly oneOf: infer Branches }
            ? AnyOf<Branches, Root>
            : S extends { readonly anyOf: infer Branches }
              ? AnyOf<Branches, Root>
              : S extends { readonly allOf: infer Parts }
                ? AllOf<Parts, Root> & OfType<Omit<S, 'allOf'>, Root>
                : OfType<S, Root>

type OfType<S, Root> = S extends { readonly type: readonly (infer Type)[] }
  ? Type extends unknown
    ? Typed<Type, S, Root>
    : never
  : S extends { readonly type: infer Type }
    ? Typed<Type, S, Root>
    : S extends { readonly properties: unknown }
      ? ObjectValue<S, Root>
      : unknown

type Typed<Type, S, Root> = Type extends 'string'
  ? string
  : Type extends 'number' | 'integer'
    ? number
    : Type extends 'boolean'
      ? boolean
      : Type extends 'null'
        ? null
        : Type extends 'array'
          ? ArrayValue<S, Root>
          : Type extends 'object'
            ? ObjectValue<S, Root>
            : unknown

type ArrayValue<S, Root> = S extends {
  readonly prefixItems: infer Items extends readonly unknown[]
}
  ? [...Tuple<Items, Root>, ...Rest<S, Root>[]]
  : S extends { readonly items: infer Items }
    ? Items extends readonly unknown[]
      ? [...Tuple<Items, Root>, ...unknown[]]
      : Value<Items, Root>[]
    : unknown[]

type Tuple<Items extends readonly unknown[], Root> = {
  -readonly [Index in keyof Items]: Value<Items[Index], Root>
}
type Rest<S, Root> = S extends { readonly items: infer Items } ? Value<Items, Root> : unknown

type PropertiesOf<S> = S extends { readonly properties: infer Properties } ? Properties : unknown
type RequiredOf<S> = S extends { readonly required: readonly (infer Name)[] } ? Name : never

type ObjectValue<S, Root> = Flat<
  {
    -readonly [Name in keyof PropertiesOf<S> & RequiredOf<S>]: Value<PropertiesOf<S>[Name], Root>
  } & {
    -readonly [Name in Exclude<keyof PropertiesOf<S>, RequiredOf<S>>]?: Value<
      PropertiesOf<S>[Name],
      Root
    >
  }
> &
  Additional<S, Root>

type Flat<T> = { [Key in keyof T]: T[Key] }

/** Other properties: typed only if no property is named, since an index covers named ones, too. */
type Additional<S, Root> = S extends { readonly additionalProperties: infer Others }
  ? Others extends false
    ? unknown
    : keyof PropertiesOf<S> extends never
      ? Record<string, Value<Others, Root>>
      : unknown
  : keyof PropertiesOf<S> extends never
    ? Record<string, unknown>
    : unknown

type AnyOf<Branches, Root> = Branches extends readonly (infer Branch)[]
  ? Branch extends unknown
    ? Value<Branch, Root>
    : never
  : unknown

type AllOf<Parts, Root> = Parts extends readonly [infer First, ...infer Others]
  ? Value<First, Root> & AllOf<Others, Root>
  : unknown

type Target<Ref extends string, Root> = Ref extends '#'
  ? Root
  : Ref extends `#/$defs/${infer Name}`
    ? Root extends { readonly $defs: Readonly<Record<Name, infer Found>> }
      ? Found
      : true
    : Ref extends `#/definitions/${infer Name}`
      ? Root extends { readonly definitions: Readonly<Record<Name, infer Found>> }
        ? Found
        : true
      : true
