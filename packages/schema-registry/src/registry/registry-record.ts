// SPDX-License-Identifier: Apache-2.0
// Records of the topic of schemas, in Confluent's format: keys and values are JSON texts.
import { MillraceError } from '@millrace/base'
import type { RuleSet, SchemaMetadata } from '../schema/data-contract.ts'
import type { SchemaReference, SchemaType } from '../schema/schema.ts'
import { integerOf, listOf, readMetadata, readRuleSet, textOf } from './data-contract.ts'
import { type Mode, readMode, readSettings, type Settings } from './settings.ts'

/** A version of a subject, as stored. */
export interface SchemaValue {
  /** Subject, with its context. */
  readonly subject: string
  /** Version, from 1. */
  readonly version: number
  /** Id within the context. */
  readonly id: number
  /** MD5 of the content in base64, if the text of the record is not what was hashed. */
  readonly md5?: string | undefined
  /** Format. Registries with plug-ins know more than three. */
  readonly schemaType: SchemaType | (string & {})
  /** References. */
  readonly references: readonly SchemaReference[]
  /** Metadata. */
  readonly metadata?: SchemaMetadata | undefined
  /** Rules. */
  readonly ruleSet?: RuleSet | undefined
  /** Text. */
  readonly schema: string
  /** Whether it is soft-deleted. */
  readonly deleted: boolean
}

/** A record: what it changes, and the new value, or null if it is removed. */
export type RegistryRecord =
  | {
      readonly kind: 'schema'
      readonly subject: string
      readonly version: number
      readonly value: SchemaValue | null
    }
  | { readonly kind: 'config'; readonly subject: string; readonly value: Settings | null }
  | { readonly kind: 'mode'; readonly subject: string; readonly value: Mode | null }
  /** Soft-deletes all versions up to one. */
  | { readonly kind: 'deleteSubject'; readonly subject: string; readonly value: number | null }
  /** Forgets the soft-deleted versions of a subject or context. */
  | { readonly kind: 'clearSubject'; readonly subject: string; readonly value: true | null }
  | { readonly kind: 'context'; readonly context: string; readonly value: true | null }
  | { readonly kind: 'noop' }
  /** The highest id of a context that was assigned; other registries read it as a no-op. */
  | { readonly kind: 'maxId'; readonly context: string; readonly value: number }
  /** Keys of other registries: kept in the topic, without effect here. */
  | { readonly kind: 'association'; readonly key: string; readonly value: object | null }
  | { readonly kind: 'unknown'; readonly keytype: string }

/** A record that is not in the format of the topic. */
export class UnreadableRecordError extends MillraceError {
  override readonly name = 'UnreadableRecordError'
  /** Creates the error; `message` names the part and the reason. */
  constructor(message: string, cause?: unknown) {
    super('MILLRACE_UNREADABLE_RECORD', message, { cause })
  }
}

const TENANT = 'default'
/** Field of a no-op key that marks it as the highest id of a context. */
const MAX_ID_FIELD = 'maxIdOfContext'

/** Largest key and value that are parsed, in bytes: larger than any record that can be written. */
const MAX_RECORD_BYTES = 64 * 1024 * 1024

/** Key and value of a record as JSON texts. */
export interface EncodedRecord {
  /** Key. */
  readonly key: string
  /** Value; null removes the key. */
  readonly value: string | null
}

const scope = (subject: string): object => (subject === '' ? {} : { subject })

/** Key of a record in the form and order of Confluent's registry. */
export function keyOf(record: RegistryRecord): string {
  switch (record.kind) {
    case 'schema': {
      const { subject, version } = record
      return JSON.stringify({ keytype: 'SCHEMA', subject, version, magic: 1 })
    }
    case 'config':
      return JSON.stringify({ keytype: 'CONFIG', ...scope(record.subject), magic: 0 })
    case 'mode':
      return JSON.stringify({ keytype: 'MODE', ...scope(record.subject), magic: 0 })
    case 'deleteSubject':
      return JSON.stringify({ keytype: 'DELETE_SUBJECT', subject: record.subject, magic: 0 })
    case 'clearSubject':
      return JSON.stringify({ keytype: 'CLEAR_SUBJECT', ...scope(record.subject), magic: 0 })
    case 'context': {
      const { context } = record
      return JSON.stringify({ keytype: 'CONTEXT', tenant: TENANT, context, magic: 0 })
    }
    case 'maxId':
      return JSON.stringify({ keytype: 'NOOP', magic: 0, [MAX_ID_FIELD]: record.context })
    case 'noop':
      return JSON.stringify({ keytype: 'NOOP', magic: 0 })
    case 'association':
      return record.key
    case 'unknown':
      throw new TypeError(`a record of type ${record.keytype} is not written`)
  }
}

/** A record as JSON texts. */
export function encodeRecord(record: RegistryRecord): EncodedRecord {
  return { key: keyOf(record), value: valueTextOf(record) }
}

function valueTextOf(record: RegistryRecord): string | null {
  if (record.kind === 'noop' || record.kind === 'unknown' || record.value === null) return null
  switch (record.kind) {
    case 'schema':
      return JSON.stringify(schemaJson(record.value))
    case 'config':
      return JSON.stringify({ ...scope(record.subject), ...record.value })
    case 'mode':
      return JSON.stringify({ ...scope(record.subject), mode: record.value })
    case 'deleteSubject':
      return JSON.stringify({ subject: record.subject, version: record.value })
    case 'clearSubject':
      return JSON.stringify(scope(record.subject))
    case 'context':
      return JSON.stringify({ tenant: TENANT, context: record.context })
    case 'maxId':
      return JSON.stringify({ context: record.context, maxId: record.value })
    case 'association':
      return JSON.stringify(record.value)
  }
}

function schemaJson(value: SchemaValue): object {
  const { subject, version, id, md5, schemaType, references, metadata, ruleSet } = value
  return {
    subject,
    version,
    id,
    ...(md5 === undefined ? {} : { md5 }),
    ...(schemaType === 'AVRO' ? {} : { schemaType }),
    ...(references.length === 0 ? {} : { references }),
    ...(metadata === undefined ? {} : { metadata }),
    ...(ruleSet === undefined ? {} : { ruleSet }),
    schema: value.schema,
    deleted: value.deleted,
  }
}

type Fields = Readonly<Record<string, unknown>>

function parse(bytes: Uint8Array, part: string): Fields {
  if (bytes.length > MAX_RECORD_BYTES) {
    throw new UnreadableRecordError(`the ${part} has ${bytes.length} bytes`)
  }
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8'))
  } catch (error) {
    throw new UnreadableRecordError(`the ${part} is not JSON`, error)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new UnreadableRecordError(`the ${part} is not a JSON object`)
  }
  return value as Fields
}

function required<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new UnreadableRecordError(`${name} is missing`)
  return value
}

function atLeast(minimum: number, value: number, name: string): number {
  if (value < minimum) throw new UnreadableRecordError(`${name} is below ${minimum}`)
  return value
}

/** Reads a record. Throws `UnreadableRecordError` if it is not in the format of the topic. */
export function decodeRecord(key: Uint8Array | null, value: Uint8Array | null): RegistryRecord {
  if (key === null) throw new UnreadableRecordError('the key is missing')
  const fields = parse(key, 'key')
  try {
    return decode(fields, value, Buffer.from(key).toString('utf8'))
  } catch (error) {
    if (error instanceof UnreadableRecordError) throw error
    throw new UnreadableRecordError(error instanceof Error ? error.message : String(error), error)
  }
}

function decode(key: Fields, bytes: Uint8Array | null, keyText: string): RegistryRecord {
  const keytype = textOf(key.keytype, 'keytype') ?? ''
  const subject = textOf(key.subject, 'subject') ?? ''
  /** The value, unless it is null. */
  const read = <T>(of: (fields: Fields) => T): T | null =>
    bytes === null || bytes.length === 0 ? null : of(parse(bytes, 'value'))
  switch (keytype) {
    case 'SCHEMA': {
      const version = atLeast(1, required(integerOf(key.version, 'version'), 'version'), 'version')
      return {
        kind: 'schema',
        subject,
        version,
        value: read((fields) => readSchema(fields, subject, version)),
      }
    }
    case 'CONFIG':
      return { kind: 'config', subject, value: read(readSettings) }
    case 'MODE':
      return {
        kind: 'mode',
        subject,
        value: read(({ mode }) => required(readMode(mode), 'mode')),
      }
    case 'DELETE_SUBJECT':
      return {
        kind: 'deleteSubject',
        subject,
        value: read(({ version }) => required(integerOf(version, 'version'), 'version')),
      }
    case 'CLEAR_SUBJECT':
      return { kind: 'clearSubject', subject, value: read(() => true as const) }
    case 'CONTEXT': {
      const context = required(textOf(key.context, 'context'), 'context')
      return { kind: 'context', context, value: read(() => true as const) }
    }
    case 'NOOP': {
      const context = textOf(key[MAX_ID_FIELD], MAX_ID_FIELD)
      const maxId =
        context === undefined ? null : read((fields) => integerOf(fields.maxId, 'maxId'))
      if (context === undefined || maxId === null || maxId === undefined) return { kind: 'noop' }
      return { kind: 'maxId', context, value: maxId }
    }
    case 'ASSOC':
      return { kind: 'association', key: keyText, value: read((fields) => fields) }
    default:
      return { kind: 'unknown', keytype }
  }
}

function readSchema(fields: Fields, subject: string, version: number): SchemaValue {
  const md5 = textOf(fields.md5, 'md5')
  return {
    subject,
    version,
    id: atLeast(0, required(integerOf(fields.id, 'id'), 'id'), 'id'),
    ...(md5 === undefined ? {} : { md5 }),
    schemaType: textOf(fields.schemaType, 'schemaType') ?? 'AVRO',
    references: readReferences(fields.references),
    metadata: readMetadata(fields.metadata),
    ruleSet: readRuleSet(fields.ruleSet),
    schema: required(textOf(fields.schema, 'schema'), 'schema'),
    deleted: fields.deleted === true,
  }
}

/** References of a JSON value. */
export function readReferences(value: unknown): readonly SchemaReference[] {
  return (listOf(value, 'references') ?? []).map((each, index) => {
    const path = `references[${index}]`
    const fields = (typeof each === 'object' && each !== null ? each : {}) as Fields
    return {
      name: textOf(fields.name, `${path}.name`) ?? '',
      subject: textOf(fields.subject, `${path}.subject`) ?? '',
      version: integerOf(fields.version, `${path}.version`) ?? -1,
    }
  })
}
