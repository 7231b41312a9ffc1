// SPDX-License-Identifier: Apache-2.0
import { builtInFiles } from './built-in-files.ts'
import type { ProtoFile } from './model.ts'
import { parseProto } from './parser.ts'

let parsed: ReadonlyMap<string, ProtoFile> | undefined

/** The built-in files by import path, parsed on first use. */
export function builtIn(): ReadonlyMap<string, ProtoFile> {
  parsed ??= new Map(
    Object.entries(builtInFiles).map(([path, text]) => [path, parseProto(text)] as const),
  )
  return parsed
}
