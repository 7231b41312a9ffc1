// SPDX-License-Identifier: Apache-2.0
import { type Node, parseSync, Visitor } from 'oxc-parser'

/** One change of a source file. */
export interface Mutant {
  readonly line: number
  /** As `a < b → a <= b`. */
  readonly text: string
  readonly source: string
}

const COMPARISONS: Readonly<Record<string, string>> = {
  '<': '<=',
  '<=': '<',
  '>': '>=',
  '>=': '>',
  '===': '!==',
  '!==': '===',
  '+': '-',
  '-': '+',
  '%': '*',
}
const LOGIC: Readonly<Record<string, string>> = { '&&': '||', '||': '&&' }

interface Span {
  readonly start: number
  readonly end: number
}

/** All mutants of the functions named, or of the whole file. */
export function mutantsOf(
  file: string,
  source: string,
  functions: readonly string[] | undefined,
): Mutant[] {
  const { program, errors } = parseSync(file, source)
  if (errors[0] !== undefined) throw new Error(`${file}: ${errors[0].message}`)
  const regions = functions === undefined ? [program] : functionsNamed(program, functions)
  const mutants: Mutant[] = []
  const replace = ({ start, end }: Span, by: string): void => {
    if (!regions.some((region) => region.start <= start && region.end >= end)) return
    const from = source.slice(start, end)
    mutants.push({
      line: source.slice(0, start).split('\n').length,
      text: `${short(from)} → ${short(by)}`,
      source: source.slice(0, start) + by + source.slice(end),
    })
  }
  const textOf = ({ start, end }: Span): string => source.slice(start, end)
  const negate = (test: Span): void => replace(test, `!(${textOf(test)})`)
  new Visitor({
    BinaryExpression(node) {
      const operator = COMPARISONS[node.operator]
      if (operator === undefined || hasText(node)) return
      replace(node, `${textOf(node.left)} ${operator} ${textOf(node.right)}`)
    },
    LogicalExpression(node) {
      const operator = LOGIC[node.operator]
      if (operator === undefined) return
      // With parentheses, so that the rest of the expression is the same.
      replace(node, `((${textOf(node.left)}) ${operator} (${textOf(node.right)}))`)
    },
    IfStatement: (node) => negate(node.test),
    WhileStatement: (node) => negate(node.test),
    ConditionalExpression: (node) => negate(node.test),
    Literal(node) {
      if (typeof node.value === 'boolean') replace(node, String(!node.value))
      else if (typeof node.value === 'number') replace(node, `(${node.raw} + 1)`)
      else if (typeof node.value === 'bigint') replace(node, `(${node.raw} + 1n)`)
    },
    ExpressionStatement(node) {
      if (node.directive === undefined || node.directive === null) replace(node, ';')
    },
    ContinueStatement: (node) => replace(node, ';'),
    ReturnStatement(node) {
      if (node.argument === null) replace(node, ';')
    },
  }).visit(program)
  return mutants.sort((a, b) => a.line - b.line)
}

function hasText({ left, right }: { readonly left: Node; readonly right: Node }): boolean {
  const isText = (node: Node): boolean =>
    node.type === 'TemplateLiteral' || (node.type === 'Literal' && typeof node.value === 'string')
  return isText(left) && isText(right)
}

/** Spans of functions and members by name; `#name` is a private one. */
function functionsNamed(program: Node & Span, names: readonly string[]): Span[] {
  const spans: Span[] = []
  const found = new Set<string>()
  const add = (name: string, span: Span): void => {
    if (!names.includes(name)) return
    found.add(name)
    spans.push(span)
  }
  new Visitor({
    FunctionDeclaration: (node) => add(node.id?.name ?? '', node),
    MethodDefinition(node) {
      const { key } = node
      if (key.type === 'Identifier') add(key.name, node)
      else if (key.type === 'PrivateIdentifier') add(`#${key.name}`, node)
    },
  }).visit(program as Parameters<Visitor['visit']>[0])
  const missing = names.filter((name) => !found.has(name))
  if (missing.length > 0) throw new Error(`no function ${missing.join(', ')}`)
  return spans
}

function short(text: string): string {
  const line = text.replace(/\s+/g, ' ')
  return line.length > 90 ? `${line.slice(0, 87)}...` : line
}
