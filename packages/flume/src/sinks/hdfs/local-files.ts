// SPDX-License-Identifier: Apache-2.0
import { type FileHandle, mkdir, open, rename } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { ComponentContext } from '../../component.ts'
import { DeliveryError, reasonOf } from '../../errors.ts'
import type { BucketFile, BucketStore } from '../bucketing/bucket-writer.ts'
import { writeWhole } from '../write-whole.ts'
import type { InUseName } from './in-use-name.ts'

/** Local files for `hdfs.path = file:...`: appended batch by batch, renamed when complete. */
export class LocalFiles implements BucketStore {
  readonly isDurable = true
  readonly #inUse: InUseName
  readonly #context: ComponentContext

  constructor(inUse: InUseName, context: ComponentContext) {
    this.#inUse = inUse
    this.#context = context
  }

  async open(given: string): Promise<BucketFile> {
    const path = resolve(this.#context.directory, given.replace(/^file:(\/\/[^/]*)?/i, ''))
    const inUse = this.#inUse(path)
    try {
      await mkdir(dirname(path), { recursive: true })
      return new LocalFile(await open(inUse, 'wx'), inUse, path)
    } catch (error) {
      throw new DeliveryError(`cannot create ${inUse}: ${reasonOf(error)}`, error)
    }
  }
}

class LocalFile implements BucketFile {
  readonly #handle: FileHandle
  readonly #inUse: string
  readonly #path: string
  #size = 0

  constructor(handle: FileHandle, inUse: string, path: string) {
    this.#handle = handle
    this.#inUse = inUse
    this.#path = path
  }

  /** A part that is written incompletely is truncated. */
  async append(part: Buffer): Promise<void> {
    try {
      await writeWhole(this.#handle, part, this.#size)
      this.#size += part.length
    } catch (error) {
      await this.#handle.truncate(this.#size).catch(() => {})
      throw new DeliveryError(`cannot write to ${this.#inUse}: ${reasonOf(error)}`, error)
    }
  }

  async close(): Promise<void> {
    await this.#handle.close()
    if (this.#inUse === this.#path) return
    await rename(this.#inUse, this.#path)
  }
}
