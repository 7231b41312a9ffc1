// SPDX-License-Identifier: Apache-2.0
import { assertNever } from '@millrace/base'
import type { Incompatibility } from '../schema/schema.ts'
import type { Finding } from './compatibility.ts'
import { type AvroType, typeName } from './model.ts'

/** Which of the two schemas is the new one. */
type Newer = 'reader' | 'writer'

/** A finding as the registry reports it: Confluent's text, the rule and a remedy. */
export function explain(finding: Finding, newer: Newer): Incompatibility {
  const { errorType, path, detail } = finding
  return {
    errorType,
    path,
    message:
      `{errorType:'${errorType}', description:'${description(finding, newer)}', ` +
      `additionalInfo:'${detail}'}`,
    rule: ruleOf(finding),
    remedy: remedyOf(finding, newer),
  }
}

/** A comparison without a verdict. */
export function explainFailure(reason: string): Incompatibility {
  return {
    errorType: 'COMPARISON_FAILED',
    path: '/',
    message: `Unexpected exception during compatibility check: ${reason}`,
    rule: 'Each field of the reader must match at most one field of the writer, and the comparison must end within its limits.',
    remedy: 'Remove aliases that match several fields of the other schema, or split the schema.',
  }
}

/** Schemas of different formats. */
export function explainFormats(writer: string): Incompatibility {
  return {
    errorType: 'SCHEMA_TYPE_MISMATCH',
    path: '/',
    message: 'Incompatible because of different schema type',
    rule: 'All versions that are compared must have the same schema type.',
    remedy: `Register the AVRO schema under another subject; this one has ${writer} schemas.`,
  }
}

function description({ errorType, path, detail }: Finding, newer: Newer): string {
  const [reader, writer] = newer === 'reader' ? ['new', 'old'] : ['old', 'new']
  switch (errorType) {
    case 'FIXED_SIZE_MISMATCH':
      return (
        `The size of FIXED type field at path '${path}' in the ${reader} schema ` +
        `does not match with the ${writer} schema`
      )
    case 'TYPE_MISMATCH':
      return (
        `The type (path '${path}') of a field in the ${reader} schema ` +
        `does not match with the ${writer} schema`
      )
    case 'NAME_MISMATCH':
      return `The name of the schema has changed (path '${path}')`
    case 'MISSING_ENUM_SYMBOLS':
      return (
        `The ${reader} schema is missing enum symbols '${detail}' at path '${path}' ` +
        `in the ${writer} schema`
      )
    case 'MISSING_UNION_BRANCH':
      return (
        `The ${reader} schema is missing a type inside a union field at path '${path}' ` +
        `in the ${writer} schema`
      )
    case 'READER_FIELD_MISSING_DEFAULT_VALUE':
      return (
        `The field '${detail}' at path '${path}' in the ${reader} schema ` +
        `has no default value and is missing in the ${writer} schema`
      )
    default:
      return assertNever(errorType)
  }
}

function ruleOf({ errorType }: Finding): string {
  switch (errorType) {
    case 'FIXED_SIZE_MISMATCH':
      return 'A fixed type must have the same size for reader and writer.'
    case 'TYPE_MISMATCH':
      return (
        "The writer's type must be the reader's or be promoted to it: int to long, float or " +
        'double; long to float or double; float to double; string to bytes and bytes to string.'
      )
    case 'NAME_MISMATCH':
      return (
        'Records, enums and fixed types must have the same name without namespace, ' +
        "or the reader's type has the writer's full name as an alias."
      )
    case 'MISSING_ENUM_SYMBOLS':
      return "The reader's enum must have all symbols of the writer's enum, or a default symbol."
    case 'MISSING_UNION_BRANCH':
      return "Each type that the writer can write must be read by a branch of the reader's union."
    case 'READER_FIELD_MISSING_DEFAULT_VALUE':
      return "A reader's field that the writer does not write must have a default."
    default:
      return assertNever(errorType)
  }
}

function remedyOf({ errorType, detail, reader, writer, path }: Finding, newer: Newer): string {
  const isReader = newer === 'reader'
  switch (errorType) {
    case 'FIXED_SIZE_MISMATCH':
      return `Keep the size of ${typeName(isReader ? writer : reader)}, or define a fixed type with another name.`
    case 'TYPE_MISMATCH':
      return isReader
        ? `Use ${article(writer)} or a union that contains it, or add a new field with a default instead.`
        : `Keep ${article(reader)}, or add a new field instead.`
    case 'NAME_MISMATCH':
      return isReader
        ? `Restore the name, or add the alias "${typeName(writer)}".`
        : `Restore the name ${typeName(reader)}: readers with the old schema know no aliases of the new one.`
    case 'MISSING_ENUM_SYMBOLS':
      return isReader
        ? `Restore the symbols ${detail}, or give the enum a default.`
        : `Remove the symbols ${detail}, unless the old schema's enum had a default.`
    case 'MISSING_UNION_BRANCH':
      return isReader
        ? `Add the missing type to the union: ${missingBranch(writer, path)}.`
        : `Remove the type that the old schema cannot read: ${missingBranch(writer, path)}.`
    case 'READER_FIELD_MISSING_DEFAULT_VALUE':
      return isReader
        ? `Give the field ${detail} a default, or an alias that names a field of the old schema.`
        : `Keep the field ${detail}: it has no default in the old schema.`
    default:
      return assertNever(errorType)
  }
}

/** The branch of a writer's union that the path names, or the writer's type. */
function missingBranch(writer: AvroType, path: string): string {
  if (writer.kind !== 'union') return typeName(writer)
  const branch = writer.branches[Number(path.slice(path.lastIndexOf('/') + 1))]
  return typeName(branch ?? writer)
}

function article(type: AvroType): string {
  return type.kind === typeName(type)
    ? `the type ${type.kind}`
    : `the ${type.kind} ${typeName(type)}`
}
