// SPDX-License-Identifier: Apache-2.0
import {
  type FieldSchema,
  type FieldSchemas,
  inVersions,
  type MessageSchema,
  type PrimitiveType,
} from '../schemas/schema.ts'
import { defaultSource } from './defaults.ts'

/**
 * Kafka 4.4 readers reject longer arrays and larger tag sections, so that a forged length has no
 * cost.
 */
const MAX_ARRAY_LENGTH = 1_000_000
const MAX_TAGGED_FIELDS = 10_000

/** Maximum length of a non-compact string; Kafka closes a connection that sends a longer one. */
const MAX_STRING_BYTES = 32_767

/**
 * Source text of a function body that reads `schema` in `version` from the reader `r` and returns
 * the message.
 */
export function decoderSource(schema: MessageSchema, version: number): string {
  const flexible = inVersions(schema.flexible, version)
  const lines: string[] = []
  let variables = 0
  const fresh = (): string => `v${variables++}`

  function lengthSource(type: 'string' | 'bytes' | 'array', compact: boolean): string {
    // As in Java, a length of more than 31 bits is negative.
    if (compact) return '(r.uvarint() | 0) - 1'
    return type === 'string' ? 'r.int16()' : 'r.int32()'
  }

  function sized(
    target: string,
    what: string,
    read: string,
    length: string,
    nullable: boolean,
    maxLength?: number,
  ): void {
    const size = fresh()
    lines.push(`const ${size} = ${length}`)
    if (maxLength !== undefined) {
      const message = `${what} is longer than ${maxLength} bytes`
      lines.push(`if (${size} > ${maxLength}) runtime.malformed(${JSON.stringify(message)})`)
    }
    const whenNegative = nullable ? 'null' : `runtime.malformed('${what} must not be null')`
    lines.push(`${target} = ${size} < 0 ? ${whenNegative} : ${read}(${size})`)
  }

  function primitive(
    target: string,
    type: PrimitiveType,
    what: string,
    nullable: boolean,
    compact: boolean,
  ): void {
    switch (type) {
      case 'string':
        // The length of all other strings has 16 bits.
        sized(
          target,
          what,
          'r.utf8',
          lengthSource('string', compact),
          nullable,
          compact ? MAX_STRING_BYTES : undefined,
        )
        break
      case 'bytes':
        sized(target, what, 'r.bytes', lengthSource('bytes', compact), nullable)
        break
      case 'records':
        sized(target, what, 'r.bytes', lengthSource('bytes', compact), true)
        break
      default:
        lines.push(`${target} = r.${type}()`)
    }
  }

  function value(target: string, name: string, field: FieldSchema): void {
    const nullable = inVersions(field.nullable, version)
    const compact = flexible && field.flexible !== 'none'
    const what = `${schema.name}.${name}`
    if (field.type === 'struct') {
      if (nullable) {
        const isTagged = field.tag !== undefined && inVersions(field.tagged, version)
        const isAbsent = isTagged ? 'r.uvarint() === 0' : 'r.int8() < 0'
        lines.push(`if (${isAbsent}) ${target} = null`, 'else {')
        struct(target, field.fields ?? {})
        lines.push('}')
      } else struct(target, field.fields ?? {})
      return
    }
    if (!field.type.startsWith('[]')) {
      primitive(target, field.type as PrimitiveType, what, nullable, compact)
      return
    }
    const length = fresh()
    lines.push(
      `const ${length} = ${lengthSource('array', compact)}`,
      `if (${length} > ${MAX_ARRAY_LENGTH} || ${length} > r.remaining) runtime.malformed('${what} claims ' + ${length} + ' elements')`,
    )
    if (!nullable) {
      lines.push(`if (${length} < 0) runtime.malformed('${what} must not be null')`)
    }
    const array = fresh()
    lines.push(`const ${array} = ${nullable ? `${length} < 0 ? null : []` : '[]'}`)
    const element = fresh()
    lines.push(`for (let i = 0; i < ${length}; i++) {`, `let ${element}`)
    if (field.type === '[]') struct(element, field.fields ?? {})
    else primitive(element, field.type.slice(2) as PrimitiveType, what, false, compact)
    lines.push(`${array}.push(${element})`, '}', `${target} = ${array}`)
  }

  function struct(target: string, fields: FieldSchemas): void {
    const names: string[] = []
    const tagged: string[] = []
    lines.push('{')
    for (const [name, field] of Object.entries(fields)) {
      const variable = fresh()
      names.push(`${name}: ${variable}`)
      if (!inVersions(field.versions, version)) {
        lines.push(`const ${variable} = ${defaultSource(field)}`)
      } else if (field.tag !== undefined && inVersions(field.tagged, version)) {
        lines.push(`let ${variable} = ${defaultSource(field)}`)
        const before = lines.length
        value(variable, name, field)
        const body = lines.splice(before)
        tagged.push(`case ${field.tag}: {\n${body.join('\n')}\nbreak }`)
      } else {
        lines.push(`let ${variable}`)
        value(variable, name, field)
      }
    }
    if (flexible) taggedSection(tagged)
    lines.push(`${target} = { ${names.join(', ')} }`, '}')
  }

  function taggedSection(cases: readonly string[]): void {
    lines.push(
      'const tags = r.uvarint()',
      `if (tags > ${MAX_TAGGED_FIELDS}) runtime.malformed('${schema.name} claims ' + tags + ' tagged fields')`,
      'for (let t = 0, last = -1; t < tags; t++) {',
      'const tag = r.uvarint(), size = r.uvarint(), at = r.offset',
      `if (tag <= last) runtime.malformed('${schema.name} has tag ' + tag + ' after ' + last)`,
      'last = tag',
    )
    if (cases.length > 0) {
      lines.push('switch (tag) {', ...cases, 'default: r.skip(size) }')
      lines.push(
        `if (r.offset !== at + size) runtime.malformed('${schema.name} tag ' + tag + ' is not ' + size + ' bytes')`,
      )
    } else lines.push('r.skip(size)')
    lines.push('}')
  }

  lines.push('let message')
  struct('message', schema.fields)
  lines.push('return message')
  return lines.join('\n')
}
