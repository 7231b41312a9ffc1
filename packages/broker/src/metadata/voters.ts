// SPDX-License-Identifier: Apache-2.0
import { encodeMessage, KRaftVersionRecord, type MessageOf, VotersRecord } from '@millrace/protocol'
import { ControlType } from '../log/control-batch.ts'

/** The only voter of the metadata quorum: this node. */
export interface Voter {
  readonly nodeId: number
  readonly directoryId: string
  readonly listenerName: string
  readonly host: string
  readonly port: number
}

export function votersRecord(voter: Voter): MessageOf<typeof VotersRecord> {
  return {
    version: 0,
    voters: [
      {
        voterId: voter.nodeId,
        voterDirectoryId: voter.directoryId,
        endpoints: [{ name: voter.listenerName, host: voter.host, port: voter.port }],
        kRaftVersionFeature: { minSupportedVersion: 0, maxSupportedVersion: 1 },
      },
    ],
  }
}

/** Control records that make the quorum dynamic (KIP-853); none for one with static voters. */
export function votersControlRecords(
  voters: MessageOf<typeof VotersRecord> | undefined,
): { readonly type: number; readonly value: Buffer }[] {
  if (voters === undefined) return []
  return [
    {
      type: ControlType.kraftVersion,
      value: encodeMessage(KRaftVersionRecord, 0, { version: 0, kRaftVersion: 1 }),
    },
    { type: ControlType.voters, value: encodeMessage(VotersRecord, 0, voters) },
  ]
}
