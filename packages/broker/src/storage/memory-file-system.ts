// SPDX-License-Identifier: Apache-2.0
import type { FileSystem, OpenFile } from '@millrace/base'

interface MemoryFile {
  data: Buffer
  size: number
}

function missing(path: string): Error {
  return Object.assign(new Error(`ENOENT: no such file or directory, '${path}'`), {
    code: 'ENOENT',
  })
}

/** A disk in memory, for brokers that keep nothing. Nothing is ever synced; it ends with its broker. */
export function memoryFileSystem(): FileSystem {
  const files = new Map<string, MemoryFile>()
  const directories = new Set<string>(['/'])

  function fileAt(path: string): MemoryFile {
    const file = files.get(path)
    if (file === undefined) throw missing(path)
    return file
  }

  function open(path: string, create: boolean): OpenFile {
    if (create && !files.has(path)) files.set(path, { data: Buffer.alloc(0), size: 0 })
    const file = fileAt(path)
    return {
      path,
      read(target, targetOffset, length, position) {
        const count = Math.max(0, Math.min(length, file.size - position))
        target.set(file.data.subarray(position, position + count), targetOffset)
        return count
      },
      write(buffers, position) {
        const end = position + buffers.reduce((sum, buffer) => sum + buffer.length, 0)
        if (end > file.data.length) {
          const grown = Buffer.allocUnsafeSlow(
            Math.max(end, Math.min(file.data.length * 2, end + (64 << 20)), 4096),
          )
          file.data.copy(grown, 0, 0, file.size)
          if (position > file.size) grown.fill(0, file.size, position)
          file.data = grown
        }
        let at = position
        for (const buffer of buffers) {
          file.data.set(buffer, at)
          at += buffer.length
        }
        file.size = Math.max(file.size, end)
      },
      size: () => file.size,
      truncate(size) {
        if (size > file.size) {
          const grown = Buffer.alloc(size)
          file.data.copy(grown, 0, 0, file.size)
          file.data = grown
        }
        file.size = size
      },
      sync() {},
      syncAsync: () => Promise.resolve(),
      close() {},
    }
  }

  return {
    open: (path, options) => open(path, options?.create ?? false),
    readFile(path) {
      const file = fileAt(path)
      return Buffer.from(file.data.subarray(0, file.size))
    },
    writeFile(path, data) {
      const copy = Buffer.from(data)
      files.set(path, { data: copy, size: copy.length })
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
