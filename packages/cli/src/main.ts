// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import module from 'node:module'
import { MillraceError } from '@millrace/base'
import { dispatch } from './command.ts'
import { commands } from './commands/index.ts'
import { explainError } from './explain-error.ts'
import { UsageError } from './usage-error.ts'

// Compiled code, and sources with their types stripped, are kept for the next start.
module.enableCompileCache()

function version(): string {
  const manifest: unknown = JSON.parse(
    readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
  )
  return String((manifest as { readonly version: unknown }).version)
}

const args = process.argv.slice(2)
// Whoever reads our output has had enough, as `head` does.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})
try {
  if (args[0] === '--version' || args[0] === '-v') process.stdout.write(`${version()}\n`)
  else process.exitCode = await dispatch(commands, args)
} catch (error) {
  const isOurs = error instanceof MillraceError || error instanceof UsageError
  const text = isOurs ? explainError(error) : String((error as Error).stack)
  process.stderr.write(`millrace: ${text}\n`)
  process.exitCode = error instanceof UsageError ? 2 : 1
}
