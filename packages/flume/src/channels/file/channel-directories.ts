// SPDX-License-Identifier: Apache-2.0
import { hostname } from 'node:os'
import {
  type FileLock,
  type FileSystem,
  makeDirectoryDurably,
  type Random,
  writeFileAtomically,
} from '@millrace/base'
import { ChannelError } from '../../errors.ts'

/** The data directories of a file channel: locked while it is open. */
export class ChannelDirectories {
  readonly #fileSystem: FileSystem
  readonly #directories: readonly string[]
  readonly #locks: FileLock[] = []

  constructor(fileSystem: FileSystem, directories: readonly string[]) {
    this.#fileSystem = fileSystem
    this.#directories = directories
  }

  /** Throws `ChannelError` if a directory belongs to Flume or is in use; then none is locked. */
  lock(): void {
    try {
      for (const directory of this.#directories) this.#locks.push(this.#locked(directory))
    } catch (error) {
      this.release()
      throw error
    }
  }

  #locked(directory: string): FileLock {
    makeDirectoryDurably(this.#fileSystem, directory)
    const log = this.#fileSystem.list(directory).find(({ name }) => /^log-\d+$/.test(name))
    if (log !== undefined) {
      throw new ChannelError(
        `${directory} holds a file channel of Apache Flume (${log.name}): let Flume empty it, or name other dataDirs`,
      )
    }
    const lock = this.#fileSystem.lock(`${directory}/in_use.lock`)
    if (lock !== undefined) return lock
    throw new ChannelError(
      `${directory} is in use by another channel or agent: each file channel needs its own dataDirs`,
    )
  }

  release(): void {
    for (const lock of this.#locks.splice(0)) lock.release()
  }

  /**
   * The id of the channel, which receivers know it by. A copy of the directories on another host is
   * another channel, and gets a new one.
   */
  channelId(random: Random): string {
    const path = `${this.#directories[0]}/millrace-channel-id`
    const host = hostname()
    if (this.#fileSystem.fileSize(path) !== undefined) {
      const [id = '', createdOn] = this.#fileSystem.readFile(path).toString().trim().split(' ')
      if (createdOn === host) return id
    }
    const id = random.bytes(12).toString('hex')
    writeFileAtomically(this.#fileSystem, path, `${id} ${host}\n`)
    return id
  }
}
