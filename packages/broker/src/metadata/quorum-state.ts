// SPDX-License-Identifier: Apache-2.0
import { type FileSystem, writeFileAtomically } from '@millrace/base'

/** Last leader of the metadata log: one line of JSON in `quorum-state`. */
export interface QuorumState {
  readonly leaderEpoch: number
  /** 0 for static voters (listed in the file), 1 for a quorum whose voters are in the log. */
  readonly dataVersion: 0 | 1
}

export function readQuorumState(fs: FileSystem, directory: string): QuorumState | undefined {
  const path = `${directory}/quorum-state`
  if (fs.fileSize(path) === undefined) return undefined
  const state: unknown = JSON.parse(fs.readFile(path).toString('utf8'))
  if (typeof state !== 'object' || state === null) return undefined
  const { leaderEpoch, data_version: version } = state as Record<string, unknown>
  return {
    leaderEpoch: typeof leaderEpoch === 'number' ? leaderEpoch : 0,
    dataVersion: version === 1 ? 1 : 0,
  }
}

export function writeQuorumState(
  fs: FileSystem,
  directory: string,
  state: QuorumState & { readonly nodeId: number },
): void {
  const shared = { leaderId: state.nodeId, leaderEpoch: state.leaderEpoch, votedId: -1 }
  const data =
    state.dataVersion === 0
      ? {
          clusterId: '',
          ...shared,
          appliedOffset: 0,
          currentVoters: [{ voterId: state.nodeId }],
          data_version: 0,
        }
      : { ...shared, votedDirectoryId: 'AAAAAAAAAAAAAAAAAAAAAA', data_version: 1 }
  writeFileAtomically(fs, `${directory}/quorum-state`, JSON.stringify(data))
}
