// SPDX-License-Identifier: Apache-2.0
import {
  AmqpError,
  type AmqpValue,
  Condition,
  Described,
  JmsFilter,
  type Source,
  Typed,
  textOf,
} from '@millrace/amqp'
import { InvalidSelectorError } from '../selector/lexer.ts'
import { Selector } from '../selector/selector.ts'

/** Parsed filters of a source. */
export interface SourceFilters {
  readonly selector: Selector | undefined
  readonly noLocal: boolean
  /** Supported filters, to be confirmed in the attach frame. */
  readonly applied: ReadonlyMap<string, AmqpValue>
}

function isFilter(
  value: AmqpValue,
  filter: { readonly code: bigint; readonly symbol: string },
): boolean {
  if (!(value instanceof Described)) return false
  const { descriptor } = value
  if (descriptor instanceof Typed && descriptor.type === 'ulong') {
    return descriptor.value === filter.code
  }
  return textOf(descriptor) === filter.symbol
}

/** Parses the filters of a source. Throws `amqp:invalid-field` for an invalid selector. */
export function filtersOf(source: Source): SourceFilters {
  let selector: Selector | undefined
  let noLocal = false
  const applied = new Map<string, AmqpValue>()
  for (const [name, value] of source.filter ?? []) {
    if (isFilter(value, JmsFilter.selector)) {
      const text = textOf((value as Described).value)
      if (text === undefined) {
        throw new AmqpError(Condition.invalidField, `filter ${name}: the selector is not a string`)
      }
      selector = compile(text)
    } else if (isFilter(value, JmsFilter.noLocal)) {
      noLocal = true
    } else {
      continue
    }
    applied.set(name, value)
  }
  return { selector, noLocal, applied }
}

function compile(text: string): Selector | undefined {
  try {
    return Selector.compile(text)
  } catch (error) {
    if (!(error instanceof InvalidSelectorError)) throw error
    throw new AmqpError(Condition.invalidField, error.message, { cause: error })
  }
}
