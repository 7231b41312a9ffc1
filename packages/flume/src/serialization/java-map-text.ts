// SPDX-License-Identifier: Apache-2.0
import type { Headers } from '../event.ts'

/** Headers as `HashMap.toString` shows them, in the order a HashMap of that many entries iterates. */
export function javaMapText(headers: Readonly<Headers>): string {
  const names = Object.keys(headers)
  if (names.length > 1) {
    const size = tableSize(names.length)
    const bucket = new Map(names.map((name) => [name, (spread(hashCode(name)) & (size - 1)) >>> 0]))
    names.sort((a, b) => (bucket.get(a) as number) - (bucket.get(b) as number))
  }
  return `{${names.map((name) => `${name}=${headers[name]}`).join(', ')}}`
}

/** A HashMap doubles its table when it is three quarters full. */
function tableSize(count: number): number {
  let size = 16
  while (count > size * 0.75) size *= 2
  return size
}

function hashCode(text: string): number {
  let hash = 0
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0
  return hash
}

function spread(hash: number): number {
  return hash ^ (hash >>> 16)
}
