// SPDX-License-Identifier: Apache-2.0
// Changes of one line of a configuration: typos, and syntax that java.util.Properties allows.
import type { Sample } from './samples.ts'

/** A changed sample. */
export interface Case {
  readonly sample: string
  /** The change, and the key it was applied to. */
  readonly change: Change
  /** The key of the changed line, with its agent. */
  readonly key: string
  readonly text: string
}

const changes = {
  none: undefined,
  removed: () => [],
  empty: (key: string) => [`${key} =`],
  text: (key: string) => [`${key} = abc`],
  negative: (key: string) => [`${key} = -1`],
  zero: (key: string) => [`${key} = 0`],
  large: (key: string) => [`${key} = 3000000000`],
  huge: (key: string) => [`${key} = 99999999999999999999`],
  fraction: (key: string) => [`${key} = 1.5`],
  comment: (key: string, value: string) => [`${key} = ${value} # a remark`],
  hashComment: (key: string, value: string) => ['# comment', '! another', `${key} = ${value}`],
  upperCase: (key: string, value: string) => [`${key} = ${value.toUpperCase()}`],
  otherCase: (key: string, value: string) => [`${swapFirst(key)} = ${value}`],
  misspelt: (key: string, value: string) => [`${key}x = ${value}`],
  extra: (key: string, value: string) => [`${key} = ${value}`, `${key}.x.y = 1`],
  repeated: (key: string, value: string) => [`${key} = nonsense`, `${key} = ${value}`],
  overridden: (key: string, value: string) => [`${key} = ${value}`, `${key} = nonsense`],
  trailingBlanks: (key: string, value: string) => [`${key} = ${value} \t `],
  colon: (key: string, value: string) => [`${key}: ${value}`],
  blank: (key: string, value: string) => [`${key} ${value}`],
  continued: (key: string, value: string) => [
    `${key} = ${value.slice(0, 1)}\\`,
    `    ${value.slice(1)}`,
  ],
  escaped: (key: string, value: string) => [
    `${key} = \\u${value.charCodeAt(0).toString(16).padStart(4, '0')}${value.slice(1)}`,
  ],
  noVariable: (key: string) => [`${key} = \${nothing.of.this.name}`],
  otherName: (key: string, value: string) => [`${key} = ${value}9`],
  twoWords: (key: string, value: string) => [`${key} = ${value} other`],
} as const

export type Change = keyof typeof changes

function swapFirst(key: string): string {
  const at = key.lastIndexOf('.') + 1
  const first = key[at] as string
  const swapped = first === first.toUpperCase() ? first.toLowerCase() : first.toUpperCase()
  return key.slice(0, at) + swapped + key.slice(at + 1)
}

/** Every change of each line specific to a sample, and the unchanged sample. */
export function* casesOf({ name, lines, own }: Sample): Generator<Case> {
  yield { sample: name, change: 'none', key: '', text: lines.join('\n') }
  for (const [index, line] of lines.entries()) {
    if (!own.test(line)) continue
    const [, key = '', value = ''] = /^(\S+) = (.*)$/.exec(line) ?? []
    for (const [change, apply] of Object.entries(changes)) {
      if (apply === undefined) continue
      const changed = [...lines.slice(0, index), ...apply(key, value), ...lines.slice(index + 1)]
      yield { sample: name, change: change as Change, key, text: changed.join('\n') }
    }
  }
}
