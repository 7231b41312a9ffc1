// SPDX-License-Identifier: Apache-2.0
// Random Avro schemas, from a seed.

/** A JSON value that may be changed in place. */
export type Tree = null | boolean | number | string | Tree[] | { [name: string]: Tree }
type Branch = { [name: string]: Tree }

/** Random numbers from a seed: mulberry32. */
export class Dice {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** An integer from 0 to `limit - 1`. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit
  }

  /** Whether something with a chance of one in `n` happens. */
  oneIn(n: number): boolean {
    return this.below(n) === 0
  }

  pick<T>(values: readonly T[]): T {
    const value = values[this.below(values.length)]
    if (value === undefined) throw new RangeError('nothing to pick from')
    return value
  }
}

const primitives = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string']
const logicalTypes: readonly (readonly [kind: string, attributes: Branch])[] = [
  ['long', { logicalType: 'timestamp-millis' }],
  ['long', { logicalType: 'local-timestamp-micros' }],
  ['int', { logicalType: 'date' }],
  ['int', { logicalType: 'timestamp-millis' }],
  ['string', { logicalType: 'uuid' }],
  ['bytes', { logicalType: 'decimal', precision: 9, scale: 2 }],
  ['bytes', { scale: 0, precision: 4, logicalType: 'decimal' }],
  ['bytes', { logicalType: 'decimal' }],
  ['string', { 'avro.java.string': 'String' }],
]
const fieldNames = ['a', 'b', 'c', 'd', 'e']
const namespaces = ['n', 'n.m', 'other', '']
const symbols = ['A', 'B', 'C', 'D']
const extras: readonly (readonly [name: string, value: Tree])[] = [
  ['owner', 'me'],
  ['10', 1],
  ['2', 2.5],
  ['z', { b: 1, a: [true, null] }],
  ['confluent:tags', ['PII']],
  ['big', 1e10],
  ['tiny', 0.00012],
]

/** Creates schemas of all kinds, with names that are used again and namespaces. */
export class SchemaMaker {
  readonly #dice: Dice
  /** Full names that can be used at this place of the text, with the enclosing records. */
  #known: string[] = []
  #count = 0

  constructor(dice: Dice) {
    this.#dice = dice
  }

  /** A schema; `known` are names that other texts define. */
  schema(known: readonly string[] = []): Tree {
    this.#known = [...known]
    this.#count = 0
    return this.#type(0, '', true)
  }

  #type(depth: number, namespace: string, canBeUnion: boolean): Tree {
    const dice = this.#dice
    if (depth === 0 && !dice.oneIn(4)) return this.#record(depth, namespace)
    if (depth > 3) return this.#simple(namespace)
    switch (dice.below(canBeUnion ? 9 : 7)) {
      case 0:
        return this.#record(depth, namespace)
      case 1:
        return this.#withExtras({ type: 'array', items: this.#type(depth + 1, namespace, true) })
      case 2:
        return this.#withExtras({ type: 'map', values: this.#type(depth + 1, namespace, true) })
      case 3:
        return this.#enum(namespace)
      case 4:
        return this.#fixed(namespace)
      case 5:
      case 6:
        return this.#simple(namespace)
      default:
        return this.#union(depth, namespace)
    }
  }

  #simple(namespace: string): Tree {
    const dice = this.#dice
    if (this.#known.length > 0 && dice.oneIn(3)) {
      const full = dice.pick(this.#known)
      const dot = full.lastIndexOf('.')
      const isRelative = dot >= 0 && full.slice(0, dot) === namespace && dice.oneIn(2)
      const name = isRelative ? full.slice(dot + 1) : full
      return dice.oneIn(8) ? { type: name } : name
    }
    if (dice.oneIn(4)) {
      const [kind, attributes] = dice.pick(logicalTypes)
      return this.#withExtras({ type: kind, ...attributes })
    }
    const name = dice.pick(primitives)
    return dice.oneIn(5) ? { type: name } : name
  }

  #union(depth: number, namespace: string): Tree {
    const branches = new Map<string, Tree>()
    if (this.#dice.oneIn(2)) branches.set('null', 'null')
    for (let count = this.#dice.below(4); count >= 0; count -= 1) {
      const branch = this.#type(depth + 1, namespace, false)
      const kind = isBranch(branch) ? String(branch.name ?? branch.type) : String(branch)
      if (!branches.has(kind)) branches.set(kind, branch)
    }
    return [...branches.values()]
  }

  #record(depth: number, namespace: string): Tree {
    const { record, space, full } = this.#named(
      this.#dice.oneIn(20) ? 'error' : 'record',
      namespace,
    )
    this.#known.push(full)
    const names = fieldNames.slice(0, this.#dice.below(5))
    record.fields = names.map((name) => this.#field(name, depth, space))
    return this.#withExtras(record)
  }

  #field(name: string, depth: number, namespace: string): Tree {
    const dice = this.#dice
    const field: Branch = { name, type: this.#type(depth + 1, namespace, true) }
    if (dice.oneIn(3)) field.default = this.#default(field.type ?? null)
    if (dice.oneIn(8)) field.doc = dice.pick(['text', '', 'quote " and \u0001\u001f \u2028 é'])
    if (dice.oneIn(8)) field.aliases = [dice.pick(['z', 'y', 'x', 'a'])]
    if (dice.oneIn(10)) field.order = dice.pick(['ascending', 'descending', 'ignore', 'IGNORE'])
    return this.#withExtras(field)
  }

  #default(type: Tree): Tree {
    const dice = this.#dice
    if (dice.oneIn(6)) return dice.pick<Tree>([null, 1, 'x', [], {}, 1.5, true, -(2 ** 40)])
    if (Array.isArray(type)) return type[0] === undefined ? null : this.#default(type[0])
    const kind = isBranch(type) ? type.type : type
    switch (kind) {
      case 'null':
        return null
      case 'boolean':
        return true
      case 'int':
      case 'long':
        return dice.pick([0, -1, 7, 2 ** 31])
      case 'float':
      case 'double':
        return dice.pick<Tree>([0, 1.5, 1e7, 1e-5, 123456.75, '2.5', 'NaN', '-Infinity', 3e100])
      case 'array':
        return dice.pick<Tree>([[], [1]])
      case 'map':
        return dice.pick<Tree>([{}, { b: 1, a: 2 }])
      case 'enum':
        return 'A'
      case 'record':
        return {}
      default:
        return 'text'
    }
  }

  #enum(namespace: string): Tree {
    const { record, full } = this.#named('enum', namespace)
    record.symbols = symbols.slice(0, 1 + this.#dice.below(4))
    if (this.#dice.oneIn(4)) record.default = 'A'
    this.#known.push(full)
    return this.#withExtras(record)
  }

  #fixed(namespace: string): Tree {
    const { record, full } = this.#named('fixed', namespace)
    record.size = this.#dice.pick([4, 12, 16])
    if (this.#dice.oneIn(4)) {
      record.logicalType = this.#dice.pick(['decimal', 'uuid', 'duration'])
      record.precision = this.#dice.pick([3, 60])
    }
    this.#known.push(full)
    return this.#withExtras(record)
  }

  #named(
    type: string,
    namespace: string,
  ): { readonly record: Branch; readonly space: string; readonly full: string } {
    const dice = this.#dice
    const record: Branch = { type }
    this.#count += 1
    const name = dice.oneIn(30) ? 'record' : `T${this.#count}`
    let space = namespace
    if (dice.oneIn(3)) {
      space = dice.pick(namespaces)
      if (space !== '' && dice.oneIn(2)) record.name = `${space}.${name}`
      else record.namespace = space
    }
    record.name ??= name
    if (dice.oneIn(8)) record.doc = dice.pick(['text', ''])
    if (dice.oneIn(6)) record.aliases = [dice.pick(['T1', 'T2', 'n.T3', 'other.T1', '.T2'])]
    return { record, space, full: space === '' ? name : `${space}.${name}` }
  }

  #withExtras(target: Branch): Branch {
    while (this.#dice.oneIn(8)) {
      const [name, value] = this.#dice.pick(extras)
      target[name] = value
    }
    return target
  }
}

/** A copy of a schema with one to three changes of the kinds that developers make. */
export function changed(dice: Dice, schema: Tree): Tree {
  const copy = structuredClone(schema)
  let root: Tree = copy
  for (let count = dice.below(3); count >= 0; count -= 1) {
    const places = [
      ...placesOf(root, (next) => {
        root = next
      }),
    ]
    const { value, replace } = dice.pick(places)
    change(dice, value, replace)
  }
  return root
}

interface Place {
  readonly value: Tree
  readonly replace: (value: Tree) => void
}

/** All places of types in a schema. */
function* placesOf(value: Tree, replace: (value: Tree) => void): Generator<Place> {
  yield { value, replace }
  if (Array.isArray(value)) {
    for (const [i, branch] of value.entries()) {
      yield* placesOf(branch, (next) => {
        value[i] = next
      })
    }
  } else if (isBranch(value)) {
    for (const name of ['items', 'values']) {
      const part = value[name]
      if (part !== undefined) {
        yield* placesOf(part, (next) => {
          value[name] = next
        })
      }
    }
    for (const field of fieldsOf(value)) {
      yield* placesOf(field.type ?? null, (next) => {
        field.type = next
      })
    }
  }
}

function change(dice: Dice, value: Tree, replace: (value: Tree) => void): void {
  if (typeof value === 'string') {
    replace(dice.pick<Tree>([...primitives, ['null', value], [value], { type: value }]))
    return
  }
  if (Array.isArray(value)) {
    const kind = dice.below(3)
    if (kind === 0) value.splice(dice.below(value.length + 1), 1)
    else if (kind === 1) value.push(dice.pick(primitives))
    else value.reverse()
    return
  }
  if (!isBranch(value)) return
  const fields = fieldsOf(value)
  const list = value.fields
  switch (dice.below(8)) {
    case 0:
      if ('name' in value) {
        if (dice.oneIn(2)) value.aliases = [value.name ?? '']
        value.name = `R${dice.below(3)}`
      }
      return
    case 1:
      if ('name' in value) value.namespace = dice.pick(namespaces)
      return
    case 2:
      if (Array.isArray(list)) {
        const field: Branch = { name: `f${dice.below(4)}`, type: dice.pick(primitives) }
        if (dice.oneIn(2)) field.default = dice.pick<Tree>([null, 1, 'x'])
        list.push(field)
      }
      return
    case 3:
      if (Array.isArray(list)) list.splice(dice.below(list.length + 1), 1)
      return
    case 4:
      for (const field of fields.slice(0, 1)) {
        field.aliases = [field.name ?? '', ...(dice.oneIn(3) ? ['b'] : [])]
        field.name = `g${dice.below(3)}`
      }
      return
    case 5:
      if (Array.isArray(value.symbols)) {
        value.symbols = symbols.slice(0, 1 + dice.below(4))
        if (dice.oneIn(3)) value.default = 'A'
      } else if (typeof value.size === 'number') {
        value.size = dice.pick([4, 8])
      } else {
        replace(['null', value])
      }
      return
    case 6:
      for (const field of fields) {
        if (dice.oneIn(2)) delete field.default
        else field.default = dice.pick<Tree>([0, 'A', null, {}, []])
      }
      return
    default:
      replace(dice.pick<Tree>([...primitives, { type: 'array', items: value }]))
  }
}

const oddNames: readonly Tree[] = [
  '',
  'a-b',
  '1a',
  'é',
  '𝒜',
  'a.b',
  '.a',
  'a.',
  'int',
  'record',
  null,
  7,
  'a b',
]
const oddValues: readonly Tree[] = [
  null,
  true,
  0,
  -1,
  1.5,
  2 ** 31,
  2 ** 31 - 1,
  2 ** 31 - 9,
  1e30,
  '',
  'x',
  'int',
  [],
  {},
  ['a'],
  ['null', 'null'],
  [['null']],
  { type: 'int' },
  { type: { type: 'int' } },
  { type: 'record' },
]

/** A text with a fault of structure, name, value or JSON, more often than not an invalid schema. */
export function damaged(dice: Dice, schema: Tree): string {
  const copy = structuredClone(schema)
  const objects = [...objectsOf(copy)]
  if (objects.length === 0 || dice.oneIn(8)) return damagedText(dice, JSON.stringify(copy))
  const target = dice.pick(objects)
  const names = Object.keys(target)
  const name = names.length > 0 ? dice.pick(names) : 'type'
  switch (dice.below(6)) {
    case 0:
      delete target[name]
      break
    case 1:
      target[name] = dice.pick(oddValues)
      break
    case 2:
      target[dice.pick(['name', 'namespace', 'type'])] = dice.pick(oddNames)
      break
    case 3:
      for (const attribute of ['fields', 'symbols', 'aliases']) {
        const list = target[attribute]
        if (Array.isArray(list) && list[0] !== undefined) {
          list.push(dice.oneIn(2) ? structuredClone(list[0]) : dice.pick(oddValues))
        }
      }
      break
    case 4:
      target[dice.pick(['default', 'order', 'aliases', 'doc', 'size', 'symbols', 'x'])] =
        dice.pick(oddValues)
      break
    default:
      if ('fields' in target && Array.isArray(target.fields)) {
        target.fields.push({ name: 'again', type: structuredClone(dice.pick(objects)) })
      }
  }
  return JSON.stringify(copy)
}

function damagedText(dice: Dice, text: string): string {
  const at = dice.below(text.length + 1)
  const insert = dice.pick([
    ' ',
    '\n',
    ',',
    '}',
    '"',
    '/* c */',
    '// c\n',
    '\\',
    '\u0001',
    '1',
    '#',
    '\u00a0',
    '01',
    '1.',
    'é',
  ])
  return dice.oneIn(3) ? text.slice(0, at) : text.slice(0, at) + insert + text.slice(at)
}

function* objectsOf(value: Tree): Generator<Branch> {
  if (Array.isArray(value)) {
    for (const element of value) yield* objectsOf(element)
  } else if (isBranch(value)) {
    yield value
    for (const part of Object.values(value)) yield* objectsOf(part)
  }
}

function fieldsOf(value: Branch): Branch[] {
  const fields = value.fields
  return Array.isArray(fields) ? fields.filter(isBranch) : []
}

function isBranch(value: Tree | undefined): value is Branch {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
