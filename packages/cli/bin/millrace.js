#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs'
import module from 'node:module'

const [major] = process.versions.node.split('.').map(Number)
if (major < 24) {
  process.stderr.write(`millrace requires Node 24 or newer; this is ${process.version}\n`)
  process.exit(1)
}
module.enableCompileCache?.()
const source = new URL('../src/main.ts', import.meta.url)
if (existsSync(source)) {
  // A checkout: Node runs the TypeScript sources, found through their export condition.
  module.registerHooks({
    resolve: (specifier, context, next) =>
      next(specifier, { ...context, conditions: [...context.conditions, 'millrace-src'] }),
  })
  await import(source.href)
} else await import(new URL('../dist/main.js', import.meta.url).href)
