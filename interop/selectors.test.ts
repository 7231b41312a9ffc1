// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { Selector, type SelectorValue } from '@millrace/jms-provider'
import { java } from './peers.ts'

const properties: Readonly<Record<string, SelectorValue>> = { s: 'a', i: 5n, d: 2.5, b: true }
type Type = 'string' | 'number' | 'boolean' | 'missing'
const types: Readonly<Record<string, Type>> = {
  s: 'string',
  i: 'number',
  d: 'number',
  b: 'boolean',
  missing: 'missing',
  "'a'": 'string',
  '5': 'number',
  '2.5': 'number',
  TRUE: 'boolean',
}

interface Expression {
  readonly text: string
  /** Whether its operands have the types that the specification requires. */
  readonly isTyped: boolean
}

/** Every operator with operands of every type, and its negation. */
function expressions(): Expression[] {
  const all: Expression[] = []
  const add = (text: string, isTyped: boolean): void => {
    all.push({ text, isTyped }, { text: `NOT (${text})`, isTyped })
  }
  const isNumeric = (type: Type): boolean => type === 'number' || type === 'missing'
  for (const [left, leftType] of Object.entries(types)) {
    add(left, leftType === 'boolean')
    for (const [right, rightType] of Object.entries(types)) {
      const areAlike = leftType === rightType && leftType !== 'missing'
      const areNumbers = isNumeric(leftType) && isNumeric(rightType)
      const areConditions = areAlike && leftType === 'boolean'
      for (const operator of ['=', '<>']) add(`${left} ${operator} ${right}`, areAlike)
      for (const operator of ['<', '<=', '>', '>=']) add(`${left} ${operator} ${right}`, areNumbers)
      for (const operator of ['+', '-', '*', '/']) {
        add(`${left} ${operator} ${right} > 1`, areNumbers)
      }
      for (const operator of ['AND', 'OR']) add(`${left} ${operator} ${right}`, areConditions)
      for (const not of ['', 'NOT ']) {
        add(`${left} ${not}BETWEEN ${right} AND 9`, areNumbers)
        add(`${left} ${not}BETWEEN 1 AND ${right}`, areNumbers)
      }
    }
    const isProperty = /^\w+$/.test(left) && left !== 'TRUE' && left !== '5'
    const isText = leftType === 'string' || leftType === 'missing'
    for (const not of ['', 'NOT ']) {
      add(`${left} ${not}IN ('a', 'c')`, isProperty)
      for (const pattern of ["'a%'", "'5'"])
        add(`${left} ${not}LIKE ${pattern}`, isProperty && isText)
      add(`${left} IS ${not}NULL`, isProperty)
    }
    add(`-${left} < 0`, isNumeric(leftType))
  }
  return all
}

it('selectors with valid types have the same results as in Artemis', async () => {
  const all = expressions()
  const { stdout, stderr } = await java('artemis-2.44.0', ['SelectorTable'], {
    input: all.map(({ text }) => text).join('\n'),
  })
  const theirs = stdout.trim().split('\n')
  assert.equal(theirs.length, all.length, stderr)
  const differing = all
    .map(({ text, isTyped }, i) => ({ text, isTyped, own: verdict(text), other: theirs[i] }))
    .filter(({ own, other }) => own !== other)
  assert.deepEqual(
    differing
      .filter(({ isTyped }) => isTyped)
      .map(({ text, own, other }) => `${text}: ${own}, ${other}`),
    [],
  )
  const typed = all.filter(({ isTyped }) => isTyped).length
  assert.ok(typed > 400, `${typed}`)
  // The specification has rules for wrong types, listed in the table of `selector.test.ts`. Artemis
  // has other rules.
  assert.ok(differing.length < all.length / 3, `${differing.length} of ${all.length}`)
})

function verdict(text: string): string {
  try {
    const selector = Selector.compile(text)
    return String(selector?.matches({ valueOf: (name) => properties[name] }))
  } catch {
    return 'invalid'
  }
}
