// SPDX-License-Identifier: Apache-2.0
import {
  type FileSystem,
  MillraceError,
  parseProperties,
  writeFileAtomically,
} from '@millrace/base'

/** `meta.properties`: the node and cluster that a directory belongs to. */
export interface MetaProperties {
  readonly clusterId: string
  readonly nodeId: number
  /** Id of the directory, 22 characters of base64. */
  readonly directoryId: string
}

/** Undefined if the directory was never formatted. */
export function readMetaProperties(
  fs: FileSystem,
  directory: string,
):
  | (Omit<MetaProperties, 'directoryId'> & { readonly directoryId: string | undefined })
  | undefined {
  const path = `${directory}/meta.properties`
  if (fs.fileSize(path) === undefined) return undefined
  const properties = parseProperties(fs.readFile(path).toString('utf8'))
  const version = properties.get('version')
  const nodeId = properties.get('node.id') ?? properties.get('broker.id')
  const clusterId = properties.get('cluster.id')
  if ((version !== '0' && version !== '1') || nodeId === undefined || clusterId === undefined) {
    throw new MillraceError(
      'MILLRACE_CORRUPT_FILE',
      `${path}: needs version 0 or 1, node.id and cluster.id, found ${JSON.stringify(Object.fromEntries(properties))}`,
    )
  }
  return { clusterId, nodeId: Number(nodeId), directoryId: properties.get('directory.id') }
}

export function writeMetaProperties(fs: FileSystem, directory: string, meta: MetaProperties): void {
  const lines = [
    '#',
    `node.id=${meta.nodeId}`,
    `directory.id=${meta.directoryId}`,
    'version=1',
    `cluster.id=${meta.clusterId}`,
    '',
  ]
  writeFileAtomically(fs, `${directory}/meta.properties`, lines.join('\n'))
}
