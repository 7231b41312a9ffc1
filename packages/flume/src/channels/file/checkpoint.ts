// SPDX-License-Identifier: Apache-2.0
import { crc32 } from 'node:zlib'
import { type FileSystem, makeDirectoryDurably, writeFileAtomically } from '@millrace/base'
import type { Ranges } from '../../batch-origin.ts'
import type { FanOut } from '../../channel.ts'
import type { ReceivedImage } from '../received-positions.ts'
import type { LogPosition } from './log-position.ts'

/** What a channel knew when everything before `replayFrom` was applied. */
export interface Checkpoint {
  readonly nextPosition: number
  /** Positions that are gone: all below the floor, and these ranges. */
  readonly floor: number
  readonly gone: Ranges
  /** A put frame at or before the first event that is not gone; its first position. */
  readonly readFrom: LogPosition & { readonly first: number }
  readonly replayFrom: LogPosition
  readonly received: readonly ReceivedImage[]
  readonly decided: readonly { readonly id: string; readonly atMs: number }[]
  readonly undecided: readonly (FanOut & { readonly ranges: Ranges })[]
}

const VERSION = 1

/** Keeps the newest checkpoint in a file, and with a backup directory a copy of it. */
export class CheckpointFile {
  readonly #fileSystem: FileSystem
  readonly #directories: readonly string[]

  constructor(fileSystem: FileSystem, directories: readonly string[]) {
    this.#fileSystem = fileSystem
    this.#directories = directories
  }

  /** The newest that can be read; undefined when there is none. */
  read(): Checkpoint | undefined {
    for (const directory of this.#directories) {
      const path = pathIn(directory)
      if (this.#fileSystem.fileSize(path) === undefined) continue
      const checkpoint = parse(this.#fileSystem.readFile(path).toString())
      if (checkpoint !== undefined) return checkpoint
    }
    return undefined
  }

  write(checkpoint: Checkpoint): void {
    const body = JSON.stringify({ version: VERSION, ...checkpoint })
    const text = `${crc32(body).toString(16).padStart(8, '0')} ${body}\n`
    for (const directory of this.#directories) {
      makeDirectoryDurably(this.#fileSystem, directory)
      writeFileAtomically(this.#fileSystem, pathIn(directory), text)
    }
  }
}

function pathIn(directory: string): string {
  return `${directory}/millrace-checkpoint`
}

function parse(text: string): Checkpoint | undefined {
  const body = text.slice(9).trimEnd()
  if (Number.parseInt(text.slice(0, 8), 16) !== crc32(body)) return undefined
  const value = JSON.parse(body) as Checkpoint & { readonly version: number }
  return value.version === VERSION ? value : undefined
}
