// SPDX-License-Identifier: Apache-2.0
import { DefaultChecker } from './defaults.ts'
import { jsonText } from './json.ts'
import { type AvroType, isNamed, type NamedType, typeName } from './model.ts'
import { isStrictName } from './names.ts'

/** Problems that are returned. */
const MAX_PROBLEMS = 100

/**
 * What Avro's specification does not allow and the parser accepts: defaults that do not match the
 * type of their field, and names or namespaces with other characters than ASCII letters, digits
 * and `_`. At most 100 problems.
 */
export function problemsOf(schema: AvroType): string[] {
  const problems: string[] = []
  const defaults = new DefaultChecker()
  const seen = new Set<AvroType>()
  const waiting = [schema]
  for (let type = waiting.pop(); type !== undefined; type = waiting.pop()) {
    if (problems.length >= MAX_PROBLEMS) break
    if (seen.has(type)) continue
    seen.add(type)
    if (isNamed(type)) {
      for (const problem of problemsOfNamed(type, defaults)) {
        problems.push(problem)
        if (problems.length >= MAX_PROBLEMS) break
      }
    }
    for (const part of partsOf(type).reverse()) waiting.push(part)
  }
  return problems
}

/** Types that a type consists of. */
function partsOf(type: AvroType): AvroType[] {
  switch (type.kind) {
    case 'record':
      return type.fields.map((field) => field.type)
    case 'union':
      return [...type.branches]
    case 'array':
      return [type.items]
    case 'map':
      return [type.values]
    default:
      return []
  }
}

function* problemsOfNamed(type: NamedType, defaults: DefaultChecker): Generator<string> {
  for (const [what, name] of namesOf(type)) {
    if (!isStrictName(name)) yield `the ${what} "${name}" of ${type.fullName} is not valid`
  }
  for (const field of type.kind === 'record' ? type.fields : []) {
    if (field.default === undefined || defaults.isValid(field.type, field.default)) continue
    const expected = field.type.kind === 'union' ? unionText(field.type) : typeName(field.type)
    yield `the default of field ${field.name} of ${type.fullName} is not a value of its type: ` +
      `expected ${expected}, found ${shortened(jsonText(field.default))}`
  }
}

/** Names that a definition contains, with what they are. */
function* namesOf(type: NamedType): Generator<readonly [what: string, name: string]> {
  yield ['name', type.name]
  for (const part of type.namespace?.split('.') ?? []) yield ['part of the namespace', part]
  for (const alias of type.aliases) yield ['alias', alias.name]
  if (type.kind === 'enum') for (const symbol of type.symbols) yield ['symbol', symbol]
  if (type.kind === 'record') for (const field of type.fields) yield ['field', field.name]
}

function unionText(type: Extract<AvroType, { kind: 'union' }>): string {
  return shortened(type.branches.map(typeName).join(' or '))
}

function shortened(text: string): string {
  return text.length > 100 ? `${text.slice(0, 100)}…` : text
}
