// SPDX-License-Identifier: Apache-2.0
import type { Option, OptionContent, OptionMap, OptionValue } from './model.ts'

/** The message literal that stands for one part of an option: `.name = value`. */
export function literalOf(part: Option): OptionMap {
  return new Map([[part.name, literalValue(part)]])
}

/** A value as it stands within a literal: numbers and names stay apart from strings. */
export function literalValue(content: OptionContent): OptionValue {
  switch (content.kind) {
    case 'boolean':
    case 'number':
    case 'enum':
      return { primitive: content.kind, text: content.value }
    case 'option':
      return literalOf(content.value)
    default:
      return content.value
  }
}
