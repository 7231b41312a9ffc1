// SPDX-License-Identifier: Apache-2.0
import { homedir } from 'node:os'
import { resolve } from 'node:path'

/**
 * A path of a Flume configuration: `~` is the home directory, and a relative path starts at
 * `directory`.
 */
export function pathOf(text: string, directory: string): string {
  const trimmed = text.trim()
  if (trimmed === '~' || trimmed.startsWith('~/')) return homedir() + trimmed.slice(1)
  return resolve(directory, trimmed)
}
