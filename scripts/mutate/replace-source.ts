// SPDX-License-Identifier: Apache-2.0
/** Loaded before a test: the module `MUTATED_FILE` has the source in the file `MUTATED_SOURCE`. */
import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { pathToFileURL } from 'node:url'

const { MUTATED_FILE = '', MUTATED_SOURCE = '' } = process.env
const url = pathToFileURL(MUTATED_FILE).href

registerHooks({
  load(loaded, context, next) {
    if (loaded !== url) return next(loaded, context)
    return {
      format: 'module-typescript',
      source: readFileSync(MUTATED_SOURCE, 'utf8'),
      shortCircuit: true,
    }
  },
})
