// SPDX-License-Identifier: Apache-2.0
import {
  decodeMessage,
  type MessageInput,
  type MessageOf,
  ShareSnapshotKey,
  ShareSnapshotValue,
  ShareUpdateKey,
  ShareUpdateValue,
} from '@millrace/protocol'
import { decodeValue, encodeKey, encodeValue } from '../runtime/coordinator-record.ts'

/** One topic partition read by one share group. */
export interface SharePartitionKey {
  readonly groupId: string
  readonly topicId: string
  readonly partition: number
}

/** `group:topicId:partition`, the key that selects the partition of `__share_group_state`. */
export function shareKeyText({ groupId, topicId, partition }: SharePartitionKey): string {
  return `${groupId}:${topicId}:${partition}`
}

/** A record of `__share_group_state`. A snapshot with a null value is a tombstone. */
export type ShareStateRecord =
  | {
      readonly kind: 'snapshot'
      readonly key: SharePartitionKey
      readonly value: MessageInput<typeof ShareSnapshotValue> | null
    }
  | {
      readonly kind: 'update'
      readonly key: SharePartitionKey
      readonly value: MessageInput<typeof ShareUpdateValue>
    }

export type ReplayedShareState =
  | {
      readonly kind: 'snapshot'
      readonly key: SharePartitionKey
      readonly value: MessageOf<typeof ShareSnapshotValue> | null
    }
  | {
      readonly kind: 'update'
      readonly key: SharePartitionKey
      readonly value: MessageOf<typeof ShareUpdateValue>
    }
  | { readonly kind: 'other' }

export function encodeShareState(record: ShareStateRecord): {
  readonly key: Buffer
  readonly value: Buffer | null
} {
  if (record.kind === 'update') {
    return {
      key: encodeKey(ShareUpdateKey, record.key),
      value: encodeValue(ShareUpdateValue, 0, record.value),
    }
  }
  const key = encodeKey(ShareSnapshotKey, record.key)
  if (record.value === null) return { key, value: null }
  return { key, value: encodeValue(ShareSnapshotValue, 0, record.value) }
}

export function decodeShareState(key: Buffer, value: Buffer | null): ReplayedShareState {
  const type = key.readInt16BE(0)
  const body = key.subarray(2)
  if (type === ShareSnapshotKey.apiKey) {
    return {
      kind: 'snapshot',
      key: decodeMessage(ShareSnapshotKey, 0, body),
      value: value === null ? null : decodeValue(ShareSnapshotValue, value),
    }
  }
  if (type === ShareUpdateKey.apiKey && value !== null) {
    return {
      kind: 'update',
      key: decodeMessage(ShareUpdateKey, 0, body),
      value: decodeValue(ShareUpdateValue, value),
    }
  }
  return { kind: 'other' }
}
