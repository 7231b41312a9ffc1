// SPDX-License-Identifier: Apache-2.0
import { MillraceError, type World } from '@millrace/base'
import type { BrokerConfig } from '../config/broker-config.ts'
import { classifyDirectory } from '../log/partition-directory.ts'
import { type MetaProperties, readMetaProperties, writeMetaProperties } from './meta-properties.ts'
import { newUuid } from './uuid.ts'

export interface FormattedDirectories {
  readonly clusterId: string
  /** Id of the directory that holds the metadata log. */
  readonly metadataDirectoryId: string
  /** Whether a new metadata log may be created: the directories contain nothing else. */
  readonly mayFormat: boolean
}

/**
 * Reads `meta.properties` of every log directory, and writes it where it is missing: there is no
 * separate format step. All directories must belong to the same node of the same cluster.
 */
export function formatDirectories(
  world: World,
  config: BrokerConfig,
  /** Log directories that can be used. */
  logDirectories: readonly string[],
  options: {
    /** Id of a new cluster; by default a random one. */
    readonly clusterId?: string | undefined
  } = {},
): FormattedDirectories {
  const fs = world.fileSystem
  const paths = [...new Set([config.metadataDirectory, ...logDirectories])]
  for (const path of paths) fs.makeDirectory(path)
  const found = paths.map((path) => ({ path, meta: readMetaProperties(fs, path) }))
  const known = found.find((entry) => entry.meta !== undefined)?.meta
  for (const { path, meta } of found) {
    if (meta === undefined) continue
    if (meta.nodeId !== config.nodeId) {
      throw new MillraceError(
        'MILLRACE_WRONG_DIRECTORY',
        `data directory ${path} belongs to node ${meta.nodeId}, but node.id is ${config.nodeId}`,
      )
    }
    if (meta.clusterId !== known?.clusterId) {
      throw new MillraceError(
        'MILLRACE_WRONG_DIRECTORY',
        `data directory ${path} belongs to cluster ${meta.clusterId}, but another one belongs to ${known?.clusterId}`,
      )
    }
  }
  if (options.clusterId !== undefined && !/^[\w-]{1,64}$/.test(options.clusterId)) {
    throw new MillraceError(
      'MILLRACE_INVALID_CLUSTER_ID',
      `invalid cluster id ${options.clusterId}: expected letters, digits, - and _, as base64 of a UUID`,
    )
  }
  const clusterId = known?.clusterId ?? options.clusterId ?? newUuid(world.random)
  const written = found.map(({ path, meta }) => {
    const directoryId = meta?.directoryId
    if (meta !== undefined && directoryId !== undefined)
      return { path, meta: { ...meta, directoryId } }
    const complete: MetaProperties = {
      clusterId,
      nodeId: config.nodeId,
      directoryId: newUuid(world.random),
    }
    writeMetaProperties(fs, path, complete)
    return { path, meta: complete }
  })
  const metadataDirectoryId = written[0]?.meta.directoryId as string
  const mayFormat = !logDirectories.some((path) => hasPartitions(world, path))
  return { clusterId, metadataDirectoryId, mayFormat }
}

/** Log directories that belong to a cluster already. */
export function formattedDirectories(world: World, config: BrokerConfig): string[] {
  const paths = new Set([config.metadataDirectory, ...config.logDirectories])
  return [...paths].filter((path) => readMetaProperties(world.fileSystem, path) !== undefined)
}

/** Partitions without metadata mean that the metadata was lost, which needs manual intervention. */
function hasPartitions(world: World, directory: string): boolean {
  return world.fileSystem
    .list(directory)
    .some(({ name, isDirectory }) => isDirectory && classifyDirectory(name).kind === 'partition')
}
