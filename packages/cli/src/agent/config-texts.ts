// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import { systemErrorCode } from '@millrace/base'
import type { ConfigText } from '@millrace/flume'
import { UsageError } from '../usage-error.ts'

/** The files as they are now. */
export function readConfigTexts(files: readonly string[]): ConfigText[] {
  return files.map((file) => {
    try {
      return { where: file, text: readFileSync(file, 'utf8') }
    } catch (error) {
      throw new UsageError(`cannot read ${file}: ${systemErrorCode(error) ?? error}`)
    }
  })
}

/** `-Dname=value` as Java takes it; a name alone is empty. */
export function systemProperties(given: readonly string[]): Map<string, string> {
  return new Map(
    given.map((each) => {
      const at = each.indexOf('=')
      return at < 0 ? [each, ''] : [each.slice(0, at), each.slice(at + 1)]
    }),
  )
}
