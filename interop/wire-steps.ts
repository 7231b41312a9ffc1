// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from 'node:timers/promises'
import * as p from '@millrace/protocol'
import type { WireClient } from '@millrace/testkit'

/** Kafka's name of an error code, or the number if it has none. */
export function errorText(code: number): string {
  const found = Object.entries(p.ErrorCode).find(([, each]) => each === code)
  return found?.[0] ?? String(code)
}

/** Repeats an attempt until it returns a result. */
export async function until<T>(attempt: () => Promise<T | undefined>, pauseMs = 20): Promise<T> {
  for (;;) {
    const found = await attempt()
    if (found !== undefined) return found
    await sleep(pauseMs)
  }
}

/** Waits until the coordinator of a group (0) or a transactional id (1) is found. */
export async function coordinatorFound(
  client: WireClient,
  keyType: number,
  key: string,
): Promise<void> {
  await until(async () => {
    const { coordinators } = await client.request(
      p.FindCoordinatorRequest,
      p.FindCoordinatorResponse,
      { keyType, coordinatorKeys: [key] },
      4,
    )
    return coordinators[0]?.errorCode === p.ErrorCode.NONE ? true : undefined
  })
}

/** Creates a topic and returns its id once every partition has a leader. */
export async function createTopic(
  client: WireClient,
  name: string,
  numPartitions: number,
): Promise<string> {
  await client.request(p.CreateTopicsRequest, p.CreateTopicsResponse, {
    topics: [{ name, numPartitions, replicationFactor: 1, assignments: [], configs: [] }],
    timeoutMs: 10_000,
    validateOnly: false,
  })
  return until(async () => {
    const { topics } = await client.request(p.MetadataRequest, p.MetadataResponse, {
      topics: [{ name }],
    })
    const topic = topics[0]
    const isReady =
      topic?.errorCode === 0 && topic.partitions.every(({ leaderId }) => leaderId >= 0)
    return isReady ? topic.topicId : undefined
  })
}
