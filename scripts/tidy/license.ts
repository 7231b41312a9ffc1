// SPDX-License-Identifier: Apache-2.0
import type { Rule } from './finding.ts'

const SPDX = 'SPDX-License-Identifier: Apache-2.0'

/** Every source file has its license in the first line, or in the second after `#!`. */
export const license: Rule = {
  name: 'license',
  check: (files) =>
    files
      .filter(({ path }) => !path.endsWith('.md'))
      .filter(({ text }) => !text.split('\n', 2).some((line) => line.includes(SPDX)))
      .map(({ path }) => ({ file: path, line: 1, text: `expected "${SPDX}"` })),
}
