// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import module from 'node:module'
import { dispatch } from './command.ts'
import { commands } from './commands/index.ts'
import { failureOf } from './explain-error.ts'

// Compiled code, and sources with their types stripped, are cached for the next start.
module.enableCompileCache()

function version(): string {
  const manifest: unknown = JSON.parse(
    readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
  )
  return String((manifest as { readonly version: unknown }).version)
}

const args = process.argv.slice(2)
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // The reader of the pipe has exited, as `head` does.
  if (error.code === 'EPIPE') process.exit(0)
  process.stderr.write(`millrace: cannot write to stdout: ${error.code ?? error.message}\n`)
  process.exit(1)
})
try {
  if (args[0] === '--version' || args[0] === '-v') process.stdout.write(`${version()}\n`)
  else process.exitCode = await dispatch(commands, args)
} catch (error) {
  const { text, status } = failureOf(error, args)
  process.stderr.write(`millrace: ${text}\n`)
  process.exitCode = status
}
