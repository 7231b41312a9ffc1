// SPDX-License-Identifier: Apache-2.0
import type { Incompatibility } from '../schema/schema.ts'

/** A rule that a change breaks, and its texts. */
interface Rule {
  /** The description in Confluent's `messages`. */
  readonly description: (path: string, reader: string, writer: string) => string
  /** What readers need. */
  readonly rule: string
  /** What the author can do. */
  readonly remedy: string
}

/** Changes after which data of the writer cannot be read, by Confluent's name. */
const rules = {
  PACKAGE_CHANGED: {
    description: (path, reader, writer) =>
      `The package at '${path}' in the ${reader} schema does not match the package in the ` +
      `${writer} schema`,
    rule: 'Both schemas must declare the same package.',
    remedy: 'Restore the package, or register the schema under another subject.',
  },
  MESSAGE_REMOVED: {
    description: (path, reader, writer) =>
      `The ${reader} schema is missing a MESSAGE type at path '${path}' in the ${writer} schema`,
    rule: 'Readers must know every message of the schema that data was written with.',
    remedy: 'Keep the message under its name, even if nothing writes it any more.',
  },
  FIELD_KIND_CHANGED: {
    description: (path, reader, writer) =>
      `The type of a field at path '${path}' in the ${reader} schema does not match the ` +
      `${writer} schema`,
    rule: 'A field number must stay with its kind of type: scalar, message or map.',
    remedy: 'Restore the type, and add a field with a new number for the other kind.',
  },
  FIELD_SCALAR_KIND_CHANGED: {
    description: (path, reader, writer) =>
      `The kind of a SCALAR field at path '${path}' in the ${reader} schema does not match its ` +
      `kind in the ${writer} schema`,
    rule:
      'A scalar type can only become one that is encoded alike: int32, int64, uint32, uint64, ' +
      'bool and enums; sint32 and sint64; string and bytes; fixed32 and sfixed32; fixed64 and ' +
      'sfixed64.',
    remedy: 'Restore the type, and add a field with a new number for the other type.',
  },
  FIELD_NAMED_TYPE_CHANGED: {
    description: (path, reader, writer) =>
      `The type of a MESSAGE field at path '${path}' in the ${reader} schema does not match its ` +
      `type in the ${writer} schema`,
    rule: 'A field of a message type must keep a message of the same name and compatible fields.',
    remedy: 'Restore the message type, and add a field with a new number for the other one.',
  },
  FIELD_NUMERIC_LABEL_CHANGED: {
    description: (path, reader, writer) =>
      `The label for a NUMERIC field at path '${path}' in the ${reader} schema does not match ` +
      `its label in the ${writer} schema`,
    rule: 'A field of a numeric type or enum must keep its label.',
    remedy: 'Restore the label, and add a field with a new number for the other one.',
  },
  REQUIRED_FIELD_ADDED: {
    description: (path, reader, writer) =>
      `A required field  at path '${path}' in the ${reader} schema is missing in the ` +
      `${writer} schema`,
    rule: 'A reader with a required field rejects data that was written without it.',
    remedy: 'Make the field optional.',
  },
  REQUIRED_FIELD_REMOVED: {
    description: (path, reader, writer) =>
      `The ${reader} schema is missing a required field at path: '${path}' in the ` +
      `${writer} schema`,
    rule: 'A required field must stay: other readers reject data without it.',
    remedy: 'Keep the field.',
  },
  ONEOF_FIELD_REMOVED: {
    description: (path, reader, writer) =>
      `The ${reader} schema is missing a oneof field at path '${path}' in the ${writer} schema`,
    rule: 'Readers must know every field of a oneof, or they take a set oneof for an empty one.',
    remedy: 'Keep the field in the oneof, marked as deprecated.',
  },
  MULTIPLE_FIELDS_MOVED_TO_ONEOF: {
    description: (path, reader, writer) =>
      `Multiple fields in the oneof at path '${path}' in the ${reader} schema are outside a ` +
      `oneof in the ${writer} schema`,
    rule: 'Fields that could be set together must not exclude each other: all but one are lost.',
    remedy: 'Move at most one existing field into a new oneof, and add new fields for the others.',
  },
  FIELD_MOVED_TO_EXISTING_ONEOF: {
    description: (path, reader, writer) =>
      `A field in the oneof at path '${path}' in the ${reader} schema is outside an existing ` +
      `oneof in the ${writer} schema`,
    rule: 'A field that could be set beside a oneof must not become part of it.',
    remedy: 'Keep the field where it is, and add a field with a new number to the oneof.',
  },
} as const satisfies Record<string, Rule>

/** Confluent's name of a change that breaks readers. */
export type DifferenceType = keyof typeof rules

/** A change that breaks readers. */
export interface Difference {
  /** Confluent's name. */
  readonly type: DifferenceType
  /** Place, for example `#/M/1`. */
  readonly path: string
}

/** All texts of a difference; `reader` and `writer` are `new` and `old` or the reverse. */
export function describeDifference(
  { type, path }: Difference,
  reader: string,
  writer: string,
): Incompatibility {
  const { description, rule, remedy } = rules[type]
  return {
    errorType: type,
    path,
    message: `{errorType:"${type}", description:"${description(path, reader, writer)}"}`,
    rule,
    remedy,
  }
}
