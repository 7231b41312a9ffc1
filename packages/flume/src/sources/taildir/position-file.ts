// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { systemErrorCode } from '@millrace/base'
import { ChannelError, reasonOf } from '../../errors.ts'
import type { TailFile } from './tail-file.ts'

/** Stored state of a file. */
export interface KnownPosition {
  readonly inode: number
  readonly pos: number
  readonly file: string
  readonly generation: number
  readonly fingerprint: { readonly size: number; readonly crc: number } | undefined
}

/** Content of the second file. */
interface Details {
  /** Created if there is no position file: without that file all files are read again. */
  readonly epoch: string
  readonly files: readonly Detail[]
}

interface Detail {
  readonly inode: number
  readonly generation: number
  readonly size: number
  readonly crc: number
}

/**
 * Positions in the file and format of Flume's Taildir source, `[{"inode":…,"pos":…,"file":"…"}]`,
 * so that Flume and millrace can continue from each other's. Further state is in a second file.
 */
export class PositionFile {
  readonly #path: string
  #written = ''
  #epoch = ''

  constructor(path: string) {
    this.#path = path
  }

  /** Unique name of this position file. */
  get epoch(): string {
    return this.#epoch
  }

  get #detailsPath(): string {
    return `${this.#path}.details`
  }

  /** Reads stored positions; without any, starts an epoch of that name. */
  read(newEpoch: string): KnownPosition[] {
    const positions = readJson(this.#path)
    const known = readJson(this.#detailsPath) as Details | undefined
    this.#epoch = positions === undefined ? newEpoch : (known?.epoch ?? newEpoch)
    if (positions === undefined) {
      this.write([])
      return []
    }
    const details = new Map((known?.files ?? []).map((each) => [each.inode, each]))
    if (!Array.isArray(positions)) throw this.#malformed('expected a list')
    return positions.map((each: unknown) => {
      const { inode, pos, file } = (each ?? {}) as Partial<KnownPosition>
      if (typeof inode !== 'number' || typeof pos !== 'number' || typeof file !== 'string') {
        throw this.#malformed(`an entry lacks inode, pos or file: ${JSON.stringify(each)}`)
      }
      const detail = details.get(inode)
      return {
        inode,
        pos,
        file,
        generation: detail?.generation ?? 0,
        fingerprint: detail === undefined ? undefined : { size: detail.size, crc: detail.crc },
      }
    })
  }

  #malformed(why: string): ChannelError {
    return new ChannelError(
      `positionFile ${this.#path} cannot be read: ${why}; mend it, or remove it to read all files from the start`,
    )
  }

  /** Replaces both files if anything changed. */
  write(files: Iterable<TailFile>): void {
    const all = [...files]
    const positions = JSON.stringify(
      all.map(({ inode, position, path }) => ({ inode, pos: position, file: path })),
    )
    const details = JSON.stringify({
      epoch: this.#epoch,
      files: all.map(({ inode, generation, fingerprint }) => ({
        inode,
        generation,
        ...(fingerprint ?? { size: 0, crc: 0 }),
      })),
    } satisfies Details)
    if (positions + details === this.#written) return
    mkdirSync(dirname(this.#path), { recursive: true })
    replace(this.#detailsPath, details)
    replace(this.#path, positions)
    this.#written = positions + details
  }
}

function replace(path: string, text: string): void {
  writeFileSync(`${path}.tmp`, text)
  renameSync(`${path}.tmp`, path)
}

function readJson(path: string): unknown {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined
    throw new ChannelError(`positionFile ${path} cannot be read: ${reasonOf(error)}`, error)
  }
  // Flume truncates before it writes; a crash in between leaves an empty file.
  if (text.trim() === '') return undefined
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new ChannelError(
      `positionFile ${path} cannot be read: ${reasonOf(error)}; mend it, or remove it to read all files from the start`,
      error,
    )
  }
}
