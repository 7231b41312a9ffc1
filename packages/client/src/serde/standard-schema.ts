// SPDX-License-Identifier: Apache-2.0
import { json, type Serde, type SerdeContext, SerdeError, type SerializerContext } from './serde.ts'

/**
 * The common interface of zod, valibot, arktype and others (https://standardschema.dev), as far as
 * it is used here.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
  }
}

type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] }

interface SchemaIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** A schema's type after validation. */
export type SchemaOutput<S> = S extends StandardSchema<infer _Input, infer Output> ? Output : never

/**
 * JSON that is checked against a schema before it is sent and after it is received. `inner`
 * replaces JSON. A value that does not fit throws `SerdeError` naming each issue; schemas that
 * validate asynchronously are refused.
 */
export function schema<S extends StandardSchema<unknown, unknown>>(
  definition: S,
  inner: Serde<unknown> = json(),
): Serde<SchemaOutput<S>> {
  const check = (value: unknown, topic: string, part: string): SchemaOutput<S> => {
    const result = definition['~standard'].validate(value)
    if (result instanceof Promise) {
      result.catch(() => {})
      throw new SerdeError(
        `the schema for topic ${topic} validates asynchronously, which a serde cannot wait for`,
      )
    }
    if (result.issues === undefined) return result.value as SchemaOutput<S>
    const issues = result.issues.map(({ message, path = [] }) => {
      const where = path.map((step) => String(typeof step === 'object' ? step.key : step)).join('.')
      return where === '' ? message : `${where}: ${message}`
    })
    throw new SerdeError(
      `the ${part} for topic ${topic} is invalid: ${issues.join('; ')}`,
      result.issues,
    )
  }
  return {
    ...(inner.prepareSerialize === undefined
      ? {}
      : {
          prepareSerialize(value: SchemaOutput<S>, context: SerializerContext) {
            check(value, context.topic, context.part)
            return inner.prepareSerialize?.(value, context)
          },
        }),
    ...(inner.prepareDeserialize === undefined
      ? {}
      : {
          prepareDeserialize: (data: Buffer, context: SerdeContext) =>
            inner.prepareDeserialize?.(data, context),
        }),
    serialize(value, context) {
      check(value, context.topic, context.part)
      return inner.serialize(value, context)
    },
    deserialize: (data, context) =>
      check(inner.deserialize(data, context), context.topic, context.part),
  }
}
