// SPDX-License-Identifier: Apache-2.0
// Prepares the peers in other languages and runs every scenario against them:
// `npm run test:interop`.
import { spawn } from 'node:child_process'
import { preparePeers } from './peers.ts'

try {
  await preparePeers()
} catch (error) {
  process.stderr.write(`interop: ${(error as Error).message}\n`)
  process.exit(1)
}
// `interop/run.ts FILE [NAME]`: runs one file, or its tests whose names match.
const [pattern = 'interop/*.test.ts', name] = process.argv.slice(2)
const names = name === undefined ? [] : [`--test-name-pattern=${name}`]
const runner = spawn(
  process.execPath,
  [
    '--conditions=millrace-src',
    '--test',
    '--test-concurrency=1',
    '--test-timeout=300000',
    ...names,
    pattern,
  ],
  { stdio: 'inherit' },
)
runner.on('exit', (code) => process.exit(code ?? 1))
