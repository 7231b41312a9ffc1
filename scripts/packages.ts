// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Root of the repository. */
export const root: string = join(import.meta.dirname, '..')

/** One workspace below `packages/`. */
export interface Workspace {
  /** Folder name, such as `client`. */
  readonly folder: string
  /** Absolute path of the folder. */
  readonly directory: string
  readonly manifest: Manifest
}

/** Fields of `package.json` that the scripts read. */
export interface Manifest {
  readonly name: string
  readonly version: string
  readonly private?: boolean
  readonly description?: string
  readonly exports?: Readonly<Record<string, ExportTarget>>
  readonly bin?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly [field: string]: unknown
}

/** Conditions of one entry of `exports`: sources in a checkout, `dist` where it is installed. */
export interface ExportTarget {
  readonly 'millrace-src': string
  readonly types: string
  readonly default: string
}

/** All workspaces, by folder name. */
export function workspaces(): readonly Workspace[] {
  const packages = join(root, 'packages')
  return readdirSync(packages)
    .sort()
    .map((folder) => {
      const directory = join(packages, folder)
      return { folder, directory, manifest: readManifest(join(directory, 'package.json')) }
    })
}

/** The workspaces that are published. */
export function publishedWorkspaces(): readonly Workspace[] {
  return workspaces().filter(({ manifest }) => manifest.private !== true)
}

function readManifest(file: string): Manifest {
  const manifest: unknown = JSON.parse(readFileSync(file, 'utf8'))
  return manifest as Manifest
}
