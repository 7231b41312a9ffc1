// SPDX-License-Identifier: Apache-2.0
import {
  globSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { systemErrorCode } from '@millrace/base'
import type { SchemaType } from '@millrace/schema-registry/serdes'
import { schemaTypeOfFile } from '../schema-file.ts'
import { subjectOfFile } from './file-names.ts'
import {
  isInside,
  MANIFEST,
  type Manifest,
  type ManifestEntry,
  manifestText,
  parseManifest,
  SchemaFolderError,
} from './manifest.ts'

/** A schema of a folder. */
export interface FolderSchema extends ManifestEntry {
  /** Subject. */
  readonly subject: string
  /** Format, by the file's name. */
  readonly type: SchemaType
  /** Text of the file. */
  readonly schema: string
}

/** A folder of schema files with a manifest. */
export class SchemaFolder {
  readonly #path: string

  /** Names the folder; it need not exist. */
  constructor(path: string) {
    this.#path = path
  }

  /** The manifest; empty if there is none. Throws `SchemaFolderError`. */
  manifest(): Manifest {
    const text = this.read(MANIFEST)
    return text === undefined ? new Map() : parseManifest(text)
  }

  /** Schemas of the manifest and of other files, sorted by subject. Throws `SchemaFolderError`. */
  schemas(): readonly FolderSchema[] {
    const manifest = this.manifest()
    const known = new Set([...manifest.values()].map(({ file }) => file))
    const found = new Map<string, FolderSchema>()
    for (const [subject, entry] of manifest) found.set(subject, this.#schema(subject, entry))
    for (const file of this.#files()) {
      if (known.has(file)) continue
      const subject = subjectOfFile(file)
      if (subject === undefined) {
        throw new SchemaFolderError(`the name of ${file} is no subject: add it to ${MANIFEST}`)
      }
      const other = found.get(subject)
      if (other !== undefined) {
        throw new SchemaFolderError(`${file} and ${other.file} are both of subject ${subject}`)
      }
      found.set(subject, this.#schema(subject, { file }))
    }
    return [...found.values()].sort((a, b) => (a.subject < b.subject ? -1 : 1))
  }

  #files(): string[] {
    const files = globSync('**/*.{avsc,json,proto}', { cwd: this.#path })
    return files.map((file) => file.split(sep).join('/')).filter((file) => file !== MANIFEST)
  }

  #schema(subject: string, entry: ManifestEntry): FolderSchema {
    const { file } = entry
    const type = schemaTypeOfFile(file)
    if (type === undefined) {
      throw new SchemaFolderError(
        `the format of ${file} is unknown: expected .avsc, .json or .proto`,
      )
    }
    const schema = this.read(file)
    if (schema === undefined)
      throw new SchemaFolderError(`${file} of subject ${subject} is missing`)
    return { ...entry, subject, type, schema }
  }

  /** Text of a file of the folder; undefined if it does not exist. */
  read(file: string): string | undefined {
    try {
      return readFileSync(join(this.#path, file), 'utf8')
    } catch (error) {
      const code = systemErrorCode(error)
      if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
      throw new SchemaFolderError(`cannot read ${join(this.#path, file)}: ${code ?? error}`, error)
    }
  }

  /** Writes a file if its text changes; returns whether it did. Throws `SchemaFolderError`. */
  write(file: string, text: string): boolean {
    if (this.read(file) === text) return false
    const target = this.#target(file)
    try {
      mkdirSync(dirname(target), { recursive: true })
      this.#checkInside(dirname(target), file)
      // A reader never sees half of a file; a link is replaced, not followed.
      const temporary = `${target}.tmp${process.pid}`
      writeFileSync(temporary, text, { flag: 'wx' })
      renameSync(temporary, target)
    } catch (error) {
      if (error instanceof SchemaFolderError) throw error
      throw new SchemaFolderError(
        `cannot write ${target}: ${systemErrorCode(error) ?? error}`,
        error,
      )
    }
    return true
  }

  /** Writes the manifest if it changes; returns whether it did. */
  writeManifest(manifest: Manifest): boolean {
    return this.write(MANIFEST, manifestText(manifest))
  }

  /** Removes a file; returns whether it existed. */
  remove(file: string): boolean {
    if (this.read(file) === undefined) return false
    const target = this.#target(file)
    this.#checkInside(dirname(target), file)
    rmSync(target)
    return true
  }

  #target(file: string): string {
    if (!isInside(file)) throw new SchemaFolderError(`${file} is not within ${this.#path}`)
    return join(this.#path, ...file.split('/'))
  }

  /** Refuses a folder that is a link to one outside. */
  #checkInside(directory: string, file: string): void {
    const inner = relative(realpathSync(this.#path), realpathSync(directory))
    if (inner === '..' || inner.startsWith(`..${sep}`)) {
      throw new SchemaFolderError(`${file} is not within ${this.#path}: its folder is a link`)
    }
  }
}
