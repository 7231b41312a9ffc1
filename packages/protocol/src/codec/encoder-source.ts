// SPDX-License-Identifier: Apache-2.0
import {
  type FieldSchema,
  type FieldSchemas,
  inVersions,
  type MessageSchema,
  type PrimitiveType,
} from '../schemas/schema.ts'
import { defaultSource, isDefaultSource } from './defaults.ts'

/**
 * Source text of a function body that writes the message `m` of `schema` in `version` to the writer
 * `w`.
 */
export function encoderSource(schema: MessageSchema, version: number): string {
  const flexible = inVersions(schema.flexible, version)
  // A request must not lose a field that is set. A response omits fields that an older client
  // cannot read.
  const mayDrop = schema.name.endsWith('Response')
  const lines: string[] = []
  let variables = 0
  const fresh = (): string => `v${variables++}`

  function primitive(
    writer: string,
    source: string,
    type: PrimitiveType,
    what: string,
    options: Options,
  ): void {
    const { nullable, compact } = options
    if (type !== 'string' && type !== 'bytes' && type !== 'records') {
      lines.push(`${writer}.${type}(${source})`)
      return
    }
    const size = fresh()
    const whenNull =
      nullable || type === 'records'
        ? compact
          ? `${writer}.uvarint(0)`
          : `${writer}.${type === 'string' ? 'int16' : 'int32'}(-1)`
        : `runtime.malformed('${what} must not be null')`
    lines.push(`if (${source} === null) ${whenNull}`, 'else {')
    if (type === 'records') {
      const pieces = fresh()
      lines.push(`const ${pieces} = Array.isArray(${source}) ? ${source} : [${source}]`)
      lines.push(`let ${size} = 0`, `for (const p of ${pieces}) ${size} += p.length`)
      lines.push(compact ? `${writer}.uvarint(${size} + 1)` : `${writer}.int32(${size})`)
      lines.push(
        `for (const p of ${pieces}) p.read === undefined ? ${writer}.bytes(p) : ${writer}.source(p)`,
      )
    } else if (type === 'bytes') {
      lines.push(
        compact ? `${writer}.uvarint(${source}.length + 1)` : `${writer}.int32(${source}.length)`,
      )
      lines.push(`${writer}.bytes(${source})`)
    } else {
      lines.push(`const ${size} = runtime.byteLength(${source})`)
      if (compact) lines.push(`${writer}.uvarint(${size} + 1)`)
      else {
        lines.push(`if (${size} > 32767) runtime.malformed('${what} is longer than 32767 bytes')`)
        lines.push(`${writer}.int16(${size})`)
      }
      lines.push(`${writer}.utf8(${source}, ${size})`)
    }
    lines.push('}')
  }

  function value(writer: string, source: string, name: string, field: FieldSchema): void {
    const what = `${schema.name}.${name}`
    const options = {
      nullable: inVersions(field.nullable, version),
      compact: flexible && field.flexible !== 'none',
    }
    if (field.type === 'struct') {
      if (options.nullable) {
        // As in Kafka's generator: -1 or 1 as a byte, but 0 or 1 as a varint in a tagged field.
        const isTagged = field.tag !== undefined && inVersions(field.tagged, version)
        const [absent, present] = isTagged ? ['uvarint(0)', 'uvarint(1)'] : ['int8(-1)', 'int8(1)']
        lines.push(`if (${source} === null) ${writer}.${absent}`, `else { ${writer}.${present}`)
        struct(writer, source, field.fields ?? {})
        lines.push('}')
      } else struct(writer, source, field.fields ?? {})
      return
    }
    if (!field.type.startsWith('[]')) {
      primitive(writer, source, field.type as PrimitiveType, what, options)
      return
    }
    const { compact } = options
    const whenNull = options.nullable
      ? `${writer}.${compact ? 'uvarint(0)' : 'int32(-1)'}`
      : `runtime.malformed('${what} must not be null')`
    lines.push(`if (${source} === null) ${whenNull}`, 'else {')
    lines.push(
      compact ? `${writer}.uvarint(${source}.length + 1)` : `${writer}.int32(${source}.length)`,
    )
    const element = fresh()
    lines.push(`for (const ${element} of ${source}) {`)
    if (field.type === '[]') struct(writer, element, field.fields ?? {})
    else
      primitive(writer, element, field.type.slice(2) as PrimitiveType, what, {
        nullable: false,
        compact,
      })
    lines.push('}', '}')
  }

  function struct(writer: string, source: string, fields: FieldSchemas): void {
    const tagged: {
      readonly name: string
      readonly field: FieldSchema
      readonly variable: string
    }[] = []
    lines.push('{')
    for (const [name, field] of Object.entries(fields)) {
      const variable = fresh()
      lines.push(`let ${variable} = ${source}.${name}`)
      if (!inVersions(field.versions, version)) {
        if (field.ignorable !== true && !mayDrop) {
          lines.push(
            `if (!(${isDefaultSource(field, variable)})) runtime.unsupported('${schema.name}', '${name}', ${version})`,
          )
        }
      } else if (field.tag !== undefined && inVersions(field.tagged, version)) {
        tagged.push({ name, field, variable })
      } else {
        lines.push(`if (${variable} === undefined) ${variable} = ${defaultSource(field)}`)
        value(writer, variable, name, field)
      }
    }
    if (flexible) taggedSection(writer, tagged)
    lines.push('}')
  }

  function taggedSection(
    writer: string,
    fields: { readonly name: string; readonly field: FieldSchema; readonly variable: string }[],
  ): void {
    if (fields.length === 0) {
      lines.push(`${writer}.uvarint(0)`)
      return
    }
    fields.sort((a, b) => (a.field.tag ?? 0) - (b.field.tag ?? 0))
    const count = fresh()
    lines.push(`let ${count} = 0`)
    for (const { field, variable } of fields)
      lines.push(`if (!(${isDefaultSource(field, variable)})) ${count}++`)
    lines.push(`${writer}.uvarint(${count})`)
    for (const { name, field, variable } of fields) {
      const inner = fresh()
      lines.push(
        `if (!(${isDefaultSource(field, variable)})) {`,
        `const ${inner} = runtime.newWriter()`,
      )
      value(inner, variable, name, field)
      lines.push(
        `${writer}.uvarint(${field.tag})`,
        `${writer}.uvarint(${inner}.size)`,
        `for (const p of ${inner}.finish()) ${writer}.bytes(p)`,
        '}',
      )
    }
  }

  struct('w', 'm', schema.fields)
  return lines.join('\n')
}

interface Options {
  readonly nullable: boolean
  readonly compact: boolean
}
