// SPDX-License-Identifier: Apache-2.0

/**
 * The disk as the log uses it. Reads and writes use the page cache and return at once; data that
 * must survive a power failure is synced. Errors are Node's system errors (`code` `ENOENT`,
 * `ENOSPC` …).
 */
export interface FileSystem {
  /**
   * Opens a file for reading and writing; `create` creates a missing one, otherwise the error is
   * `ENOENT`.
   */
  open(path: string, options?: { readonly create?: boolean }): OpenFile
  /** Returns the content of a file, or undefined if it does not exist. */
  readFile(path: string): Buffer
  /** Replaces the whole file. Not atomic: see `writeFileAtomically`. */
  writeFile(path: string, data: Uint8Array | string): void
  /** Size in bytes, or undefined if the file does not exist. */
  fileSize(path: string): number | undefined
  /** Whether the path is a directory. */
  isDirectory(path: string): boolean
  /** Names in a directory, unordered; `ENOENT` if it does not exist. */
  list(path: string): readonly DirectoryEntry[]
  /** Creates a directory. Throws if its parent does not exist. */
  makeDirectory(path: string): void
  /**
   * Renames a file or directory, replacing a file of the new name. Durable once the directory is
   * synced.
   */
  rename(from: string, to: string): void
  /** Removes a file or a whole directory; a missing one is not an error. */
  remove(path: string): void
  /** Makes files created, renamed and removed in this directory durable. */
  syncDirectory(path: string): void
  /**
   * Acquires an exclusive lock that ends with the process; undefined if another process holds it.
   */
  lock(path: string): FileLock | undefined
  /** Free bytes of the volume that holds `path`. */
  space(path: string): { readonly totalBytes: bigint; readonly usableBytes: bigint }
}

/** An entry of a directory. */
export interface DirectoryEntry {
  /** File name, without the directory. */
  readonly name: string
  /** Whether the entry is a directory. */
  readonly isDirectory: boolean
}

/** A file opened for reading and writing. */
export interface OpenFile {
  /** Path with which the file was opened. */
  readonly path: string
  /**
   * Reads up to `length` bytes at `position` into `target`; returns the number read, which is less
   * only at the end of the file.
   */
  read(target: Uint8Array, targetOffset: number, length: number, position: number): number
  /** Writes all buffers in sequence at `position`; throws if not all bytes could be written. */
  write(buffers: readonly Uint8Array[], position: number): void
  /**
   * Like `write`, off the event loop, for large amounts. The bytes must not change until it
   * resolves.
   */
  writeAsync(bytes: Uint8Array, position: number): Promise<void>
  /** Size of the file, bytes. */
  size(): number
  /** Whether `path` still names this file: false once it was renamed, removed or replaced. */
  isAtPath(): boolean
  /** Truncates the file to `size` bytes. */
  truncate(size: number): void
  /** Blocks until contents and size are durable. */
  sync(): void
  /** Like `sync`, off the event loop, so that many writers share one. */
  syncAsync(): Promise<void>
  /** Closes the file. Calling it again does nothing. */
  close(): void
}

/** A lock that excludes other processes and other brokers of this process. */
export interface FileLock {
  /** Releases the lock. */
  release(): void
}

/**
 * Writes a temporary file, syncs it and renames it: after a crash the file has either the old or
 * the new contents.
 */
export function writeFileAtomically(fs: FileSystem, path: string, data: Uint8Array | string): void {
  const temporary = `${path}.tmp`
  const bytes = typeof data === 'string' ? Buffer.from(data) : data
  const file = fs.open(temporary, { create: true })
  try {
    file.truncate(0)
    file.write([bytes], 0)
    file.sync()
  } finally {
    file.close()
  }
  fs.rename(temporary, path)
  fs.syncDirectory(parentOf(path))
}

/** Creates a directory and its missing parents so that they survive a power failure. */
export function makeDirectoryDurably(fs: FileSystem, path: string): void {
  const made: string[] = []
  for (let at = path; at !== '' && at !== '.' && !fs.isDirectory(at); at = parentOf(at))
    made.push(at)
  fs.makeDirectory(path)
  for (const directory of made) fs.syncDirectory(parentOf(directory))
}

function parentOf(path: string): string {
  const at = Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\'))
  return at < 0 ? '.' : path.slice(0, at) || '/'
}
