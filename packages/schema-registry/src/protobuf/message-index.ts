// SPDX-License-Identifier: Apache-2.0
import { MalformedInputError } from '@millrace/base'
import type { Message, ProtoFile, TypeDeclaration } from './model.ts'
import { isMapEntry } from './names.ts'

/** Most message indexes that are read: no message is nested deeper. */
const maxIndexes = 100

/** Message indexes, and the size of their bytes. */
export interface MessageIndexes {
  /** Place of the message among its siblings, from the outermost. Never empty. */
  readonly indexes: readonly number[]
  /** Bytes read. */
  readonly size: number
}

/**
 * Bytes of message indexes, which follow the id of the schema: their count and each index, as
 * zig-zag varints; the first message of a file is one byte 0. With `deprecated` the numbers are
 * plain varints, as old Python clients wrote them.
 */
export function encodeMessageIndexes(
  indexes: readonly number[],
  options: { readonly deprecated?: boolean } = {},
): Uint8Array {
  if (indexes.length === 1 && indexes[0] === 0) return Uint8Array.of(0)
  const bytes: number[] = []
  for (const value of [indexes.length, ...indexes]) {
    let rest = options.deprecated ? value : value * 2
    while (rest >= 0x80) {
      bytes.push((rest % 0x80) | 0x80)
      rest = Math.floor(rest / 0x80)
    }
    bytes.push(rest)
  }
  return Uint8Array.from(bytes)
}

/**
 * Reads message indexes at the beginning of `bytes`. Throws `MalformedInputError` if
 * the bytes end early, or a number is negative or too large.
 */
export function decodeMessageIndexes(
  bytes: Uint8Array,
  options: { readonly deprecated?: boolean } = {},
): MessageIndexes {
  let size = 0
  const read = (): number => {
    let value = 0
    for (let factor = 1; factor <= 2 ** 28; factor *= 0x80) {
      const byte = bytes[size++]
      if (byte === undefined)
        throw new MalformedInputError('the bytes end within the message indexes')
      value += (byte & 0x7f) * factor
      if (byte < 0x80) {
        if (options.deprecated) return value
        if (value % 2 === 1) throw new MalformedInputError('a message index is negative')
        return value / 2
      }
    }
    throw new MalformedInputError('a message index is longer than 5 bytes')
  }
  const count = read()
  if (count === 0) return { indexes: [0], size }
  if (count > maxIndexes)
    throw new MalformedInputError(`${count} message indexes; at most ${maxIndexes} are read`)
  const indexes: number[] = []
  while (indexes.length < count) indexes.push(read())
  return { indexes, size }
}

/** Message indexes of a full name; undefined if the file does not declare the message. */
export function messageIndexesOf(file: ProtoFile, fullName: string): number[] | undefined {
  const prefix = file.package === undefined ? '' : `${file.package}.`
  if (!fullName.startsWith(prefix)) return undefined
  const indexes: number[] = []
  let types = file.types
  for (const name of fullName.slice(prefix.length).split('.')) {
    const messages = messagesOf(types)
    const index = messages.findIndex((message) => message.name === name)
    const message = messages[index]
    if (message === undefined) return undefined
    indexes.push(index)
    types = message.types
  }
  return indexes
}

/** Full name of the message at `indexes`; undefined if there is none. */
export function messageNameAt(file: ProtoFile, indexes: readonly number[]): string | undefined {
  const names = file.package === undefined ? [] : [file.package]
  let types = file.types
  for (const index of indexes.length === 0 ? [0] : indexes) {
    const message = messagesOf(types)[index]
    if (message === undefined) return undefined
    names.push(message.name)
    types = message.types
  }
  return names.join('.')
}

function messagesOf(types: readonly TypeDeclaration[]): readonly Message[] {
  return types.filter((type) => type.kind === 'message')
}

/** Full names of all messages of a file in the order of the text, without those of map entries. */
export function messageNames(file: ProtoFile): string[] {
  const result: string[] = []
  const visit = (types: readonly TypeDeclaration[], prefix: string) => {
    for (const message of messagesOf(types)) {
      if (isMapEntry(message.options)) continue
      result.push(prefix + message.name)
      visit(message.types, `${prefix}${message.name}.`)
    }
  }
  visit(file.types, file.package === undefined ? '' : `${file.package}.`)
  return result
}
