// SPDX-License-Identifier: Apache-2.0
import type { Options, ValidateFunction } from 'ajv'
import { InvalidSchemaError, type ParsedSchema } from '../schema/schema.ts'
import { type Draft, isModern } from './draft.ts'
import { JsonSchema } from './json-schema.ts'
import { jsonValueOf } from './json-text.ts'
import { boundedRegExp, RegExpLimitError } from './regular-expression.ts'

/** One reason for which a value does not match a schema. */
export interface JsonValidationProblem {
  /** JSON pointer to the part of the value; empty for the value itself. */
  readonly path: string
  /** The error, for example `must be integer`. */
  readonly message: string
}

/** Checks values against one schema. */
export interface JsonValidator {
  /** The problems of a value; empty if it matches the schema. Values are not changed. */
  problems(value: unknown): readonly JsonValidationProblem[]
}

/** Options of `createJsonValidator`. */
export interface JsonValidatorOptions {
  /** Whether all problems are reported, not only the first. Default false. */
  readonly allProblems?: boolean
}

/**
 * Compiles a schema of `jsonSchemaFormat`, with its references, for its draft.
 *
 * `format` is not checked. Regular expressions (`pattern`, `patternProperties`) may come from
 * strangers: those without look-around and backreferences run on an automaton, in linear time;
 * others run with a time limit of 50 ms per value. A value over the limits does not match.
 * Throws `InvalidSchemaError` if the schema cannot be compiled, and `TypeError` for a schema of
 * another format.
 */
export async function createJsonValidator(
  schema: ParsedSchema,
  { allProblems = false }: JsonValidatorOptions = {},
): Promise<JsonValidator> {
  if (!(schema instanceof JsonSchema)) {
    throw new TypeError(`expected a JSON Schema, found a schema of type ${schema.type}`)
  }
  const { documents } = schema
  const ajv = await createAjv(documents.root.draft, {
    allErrors: allProblems,
    code: { regExp: regExpEngine },
    logger: false,
    meta: false,
    // Up to draft 7, siblings of `$ref` do not count.
    ...(isModern(documents.root.draft) ? {} : { ignoreKeywordsWithRef: true }),
    strict: false,
    validateFormats: false,
    validateSchema: false,
  })
  try {
    for (const [address, document] of documents.used) {
      ajv.addSchema(schemaValue(jsonValueOf(document.root)), address)
    }
    return validatorOf(ajv.compile(schemaValue(jsonValueOf(documents.root.root))))
  } catch (error) {
    if (!(error instanceof Error)) throw error
    throw new InvalidSchemaError(`the schema cannot be compiled: ${error.message}`, error)
  }
}

interface Compiler {
  addSchema(schema: object, key: string): unknown
  compile(schema: object | boolean): ValidateFunction
}

async function createAjv(draft: Draft, options: Options): Promise<Compiler> {
  // Loaded on first use: it takes longer than the rest of the registry.
  switch (draft) {
    case '4': {
      const { default: draft4 } = await import('ajv-draft-04')
      return new draft4.default(options)
    }
    case '2019-09': {
      const { Ajv2019 } = await import('ajv/dist/2019.js')
      return new Ajv2019(options)
    }
    case '2020-12': {
      const { Ajv2020 } = await import('ajv/dist/2020.js')
      return new Ajv2020(options)
    }
    default: {
      const { Ajv } = await import('ajv')
      return new Ajv(options)
    }
  }
}

function schemaValue(value: unknown): object {
  if (typeof value === 'object' && value !== null) return value
  return value === true ? {} : { not: {} }
}

function validatorOf(validate: ValidateFunction): JsonValidator {
  return {
    problems(value) {
      try {
        if (validate(value)) return []
      } catch (error) {
        if (!(error instanceof RegExpLimitError)) throw error
        return [{ path: '', message: error.message }]
      }
      return (validate.errors ?? []).map(({ instancePath, message }) => ({
        path: instancePath,
        message: message ?? 'does not match the schema',
      }))
    },
  }
}

// The text is the key under which compiled patterns are kept.
const regExpEngine = Object.assign(
  (pattern: string) => {
    const expression = boundedRegExp(pattern)
    return { test: (text: string) => expression.test(text), toString: () => `/${pattern}/` }
  },
  { code: 'boundedRegExp' },
)
