// SPDX-License-Identifier: Apache-2.0
import type { FileSystem, OpenFile } from '@millrace/base'

/** Size of a chunk by which files grow, so that a large file is never copied. */
const PIECE = 256 * 1024

/** Contents of a file in chunks; the last one grows up to `PIECE`. */
class MemoryFile {
  #pieces: Buffer[] = []
  size = 0

  read(target: Uint8Array, targetOffset: number, length: number, position: number): number {
    const count = Math.max(0, Math.min(length, this.size - position))
    let done = 0
    while (done < count) {
      const at = position + done
      const offset = at % PIECE
      const part = Math.min(count - done, PIECE - offset)
      const piece = this.#pieces[Math.floor(at / PIECE)] as Buffer
      target.set(piece.subarray(offset, offset + part), targetOffset + done)
      done += part
    }
    return count
  }

  write(data: Uint8Array, position: number): void {
    this.#reserve(position + data.length)
    let done = 0
    while (done < data.length) {
      const at = position + done
      const offset = at % PIECE
      const part = Math.min(data.length - done, PIECE - offset)
      const piece = this.#pieces[Math.floor(at / PIECE)] as Buffer
      piece.set(data.subarray(done, done + part), offset)
      done += part
    }
    this.size = Math.max(this.size, position + data.length)
  }

  truncate(size: number): void {
    if (size > this.size) this.#reserve(size)
    else {
      this.#pieces.length = Math.ceil(size / PIECE)
      this.#pieces.at(-1)?.fill(0, size % PIECE === 0 ? PIECE : size % PIECE)
    }
    this.size = size
  }

  /** The last chunk doubles until it is complete, so that small files stay small. */
  #reserve(end: number): void {
    const last = Math.ceil(end / PIECE) - 1
    for (let i = Math.max(0, this.#pieces.length - 1); i <= last; i++) {
      const wanted = i < last ? PIECE : end - last * PIECE
      const piece = this.#pieces[i]
      if (piece !== undefined && piece.length >= wanted) continue
      const grown = Buffer.alloc(Math.min(PIECE, Math.max(wanted, (piece?.length ?? 0) * 2, 512)))
      piece?.copy(grown)
      this.#pieces[i] = grown
    }
  }
}

function missing(path: string): Error {
  return Object.assign(new Error(`ENOENT: no such file or directory, '${path}'`), {
    code: 'ENOENT',
  })
}

/**
 * An in-memory file system, for brokers without a data directory. Sync is a no-op; contents are
 * lost at close.
 */
export function memoryFileSystem(): FileSystem {
  const files = new Map<string, MemoryFile>()
  const directories = new Set<string>(['/'])

  function fileAt(path: string): MemoryFile {
    const file = files.get(path)
    if (file === undefined) throw missing(path)
    return file
  }

  function open(path: string, create: boolean): OpenFile {
    if (create && !files.has(path)) files.set(path, new MemoryFile())
    const file = fileAt(path)
    return {
      path,
      read: (target, targetOffset, length, position) =>
        file.read(target, targetOffset, length, position),
      write(buffers, position) {
        let at = position
        for (const buffer of buffers) {
          file.write(buffer, at)
          at += buffer.length
        }
      },
      writeAsync: async (bytes, position) => file.write(bytes, position),
      size: () => file.size,
      isAtPath: () => files.get(path) === file,
      truncate: (size) => file.truncate(size),
      sync() {},
      syncAsync: () => Promise.resolve(),
      close() {},
    }
  }

  return {
    open: (path, options) => open(path, options?.create ?? false),
    readFile(path) {
      const file = fileAt(path)
      const contents = Buffer.alloc(file.size)
      file.read(contents, 0, file.size, 0)
      return contents
    },
    writeFile(path, data) {
      const file = new MemoryFile()
      file.write(Buffer.from(data), 0)
      files.set(path, file)
    },
    fileSize: (path) => files.get(path)?.size,
    isDirectory: (path) => directories.has(path),
    list(path) {
      if (!directories.has(path)) throw missing(path)
      const prefix = path.endsWith('/') ? path : `${path}/`
      const names = new Map<string, boolean>()
      for (const name of files.keys()) {
        if (name.startsWith(prefix) && !name.slice(prefix.length).includes('/')) {
          names.set(name.slice(prefix.length), false)
        }
      }
      for (const name of directories) {
        if (name !== path && name.startsWith(prefix) && !name.slice(prefix.length).includes('/')) {
          names.set(name.slice(prefix.length), true)
        }
      }
      return [...names].map(([name, isDirectory]) => ({ name, isDirectory }))
    },
    makeDirectory(path) {
      const parts = path.split('/')
      for (let i = 2; i <= parts.length; i++) directories.add(parts.slice(0, i).join('/'))
    },
    rename(from, to) {
      const file = files.get(from)
      if (file !== undefined) {
        files.delete(from)
        files.set(to, file)
        return
      }
      if (!directories.has(from)) throw missing(from)
      const moved = (path: string): string => to + path.slice(from.length)
      const isInside = (path: string): boolean => path === from || path.startsWith(`${from}/`)
      for (const path of [...directories].filter(isInside)) {
        directories.delete(path)
        directories.add(moved(path))
      }
      for (const [path, entry] of [...files]) {
        if (!isInside(path)) continue
        files.delete(path)
        files.set(moved(path), entry)
      }
    },
    remove(path) {
      files.delete(path)
      if (!directories.delete(path)) return
      for (const name of [...files.keys()]) if (name.startsWith(`${path}/`)) files.delete(name)
      for (const name of [...directories]) if (name.startsWith(`${path}/`)) directories.delete(name)
    },
    syncDirectory() {},
    lock: () => ({ release() {} }),
    space: () => ({ totalBytes: -1n, usableBytes: -1n }),
  }
}
