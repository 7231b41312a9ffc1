// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'
import type { SchemaType } from '@millrace/schema-registry/serdes'
import { extensions } from '../schema-file.ts'
import { MANIFEST } from './manifest.ts'

/** Longest name before the extension; file systems allow 255 bytes. */
const MAX_LENGTH = 200
/** Names that Windows keeps for devices. */
const DEVICE = /^(con|prn|aux|nul|com\d|lpt\d)(?=\.|$)/i

/** A subject and the format of its schema. */
export interface NamedSubject {
  /** Subject. */
  readonly subject: string
  /** Format. */
  readonly type: SchemaType
}

/**
 * File names of subjects: letters, digits, `_`, `-` and `.` remain, other characters are written as
 * `%` and their UTF-8 bytes, as in a URL. Dots at the start or end are encoded, too, so that no
 * name is a path. Upper case is encoded where two names differ in nothing else, since some file
 * systems ignore it.
 */
export function fileNames(subjects: readonly NamedSubject[]): ReadonlyMap<string, string> {
  const groups = Map.groupBy(subjects, ({ subject, type }) =>
    nameOf(subject, type, false).toLowerCase(),
  )
  return new Map(
    subjects.map(({ subject, type }) => {
      const plain = nameOf(subject, type, false)
      const isShared = (groups.get(plain.toLowerCase())?.length ?? 0) > 1
      return [subject, isShared ? nameOf(subject, type, true) : plain]
    }),
  )
}

function nameOf(subject: string, type: SchemaType, encodesCase: boolean): string {
  const kept = encodesCase ? /[^a-z0-9_.-]/gu : /[^A-Za-z0-9_.-]/gu
  const encoded = subject
    .replaceAll(kept, percent)
    .replace(/^\./, '%2E')
    .replace(/\.$/, '%2E')
    .replace(DEVICE, (device) => `${percent(device[0] ?? '')}${device.slice(1)}`)
  if (`${encoded}${extensions[type]}`.toLowerCase() === MANIFEST) {
    return `${percent(encoded[0] ?? '')}${encoded.slice(1)}${extensions[type]}`
  }
  if (encoded.length <= MAX_LENGTH) return `${encoded}${extensions[type]}`
  // Such a subject is in the manifest: its name is not decoded.
  const digest = createHash('sha256').update(subject).digest('hex').slice(0, 16)
  return `${encoded.slice(0, MAX_LENGTH - 20)}~${digest}${extensions[type]}`
}

function percent(text: string): string {
  return [...Buffer.from(text, 'utf8')]
    .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
    .join('')
}

/** The subject of a file that is not in the manifest; undefined for a name that is none. */
export function subjectOfFile(file: string): string | undefined {
  const name = file.slice(file.lastIndexOf('/') + 1).replace(/\.[^.]+$/, '')
  try {
    const subject = decodeURIComponent(name)
    return subject === '' ? undefined : subject
  } catch {
    return undefined
  }
}
