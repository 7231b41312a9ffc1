// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import * as p from '@millrace/protocol'
import { CompressionType, RecordBatch, readRecords } from '@millrace/protocol'
import { WireClient } from '@millrace/testkit'
import { corruptions, encodeBatch, goodBatch } from './batch-corruptions.ts'

/** A topic whose settings decide which batches are accepted and how they are stored. */
export interface JudgingTopic {
  readonly name: string
  readonly isCompacted: boolean
  readonly isAppendTime: boolean
  readonly compression: 'producer' | 'uncompressed' | 'zstd'
}

export const judgingTopics: readonly JudgingTopic[] = [false, true].flatMap((isCompacted) =>
  [false, true].flatMap((isAppendTime) =>
    (['producer', 'uncompressed', 'zstd'] as const).map((compression) => ({
      name: `judging.${isCompacted ? 'compacted' : 'plain'}.${isAppendTime ? 'append' : 'create'}.${compression}`,
      isCompacted,
      isAppendTime,
      compression,
    })),
  ),
)

export const codecs = Object.keys(CompressionType) as CompressionType[]

/** Creates the topics. Nothing is compacted or deleted while the test runs. */
export async function createJudgingTopics(address: string): Promise<void> {
  const client = await WireClient.connect(address)
  const reply = await client.request(p.CreateTopicsRequest, p.CreateTopicsResponse, {
    topics: judgingTopics.map(({ name, isCompacted, isAppendTime, compression }) => ({
      name,
      numPartitions: 1,
      replicationFactor: 1,
      assignments: [],
      configs: Object.entries({
        'cleanup.policy': isCompacted ? 'compact' : 'delete',
        'message.timestamp.type': isAppendTime ? 'LogAppendTime' : 'CreateTime',
        'compression.type': compression,
        'retention.ms': '-1',
        'min.compaction.lag.ms': '86400000',
        'message.timestamp.before.max.ms': '86400000',
      }).map(([key, value]) => ({ name: key, value })),
    })),
    timeoutMs: 10_000,
  })
  for (const { errorCode, errorMessage } of reply.topics)
    assert.equal(errorCode, 0, errorMessage ?? '')
  client.close()
}

/**
 * Sends every corruption with a codec to a topic; returns the verdicts of the broker by corruption.
 */
export async function judge(
  address: string,
  topic: JudgingTopic,
  options: {
    readonly codec: CompressionType
    readonly isIdempotent: boolean
    readonly version: number
  },
): Promise<Record<string, string>> {
  const verdicts: Record<string, string> = {}
  let client = await WireClient.connect(address)
  for (const corruption of corruptions) {
    const now = BigInt(Date.now())
    // Each batch has a separate producer, so that none is taken for a retry of another.
    const producer = options.isIdempotent ? { id: nextProducerId++, sequence: 0 } : undefined
    const batch = encodeBatch(corruption.change(goodBatch(now, producer)), options.codec)
    if (client.isClosed) client = await WireClient.connect(address)
    try {
      verdicts[corruption.name] = await verdictOn(client, topic, {
        batch,
        version: options.version,
      })
    } catch (error) {
      verdicts[corruption.name] = (error as Error).message
    }
  }
  client.close()
  return verdicts
}

let nextProducerId = BigInt(Date.now()) * 100_000n

async function verdictOn(
  client: WireClient,
  topic: JudgingTopic,
  { batch, version }: { readonly batch: Buffer; readonly version: number },
): Promise<string> {
  const reply = await client.request(
    p.ProduceRequest,
    p.ProduceResponse,
    {
      acks: -1,
      timeoutMs: 5000,
      topicData: [{ name: topic.name, partitionData: [{ index: 0, records: Buffer.from(batch) }] }],
    },
    version,
  )
  const [result] = reply.responses[0]?.partitionResponses ?? []
  assert.ok(result)
  if (result.errorCode !== 0) {
    const errors = result.recordErrors.map(
      ({ batchIndex, batchIndexErrorMessage }) => `[${batchIndex}: ${batchIndexErrorMessage}]`,
    )
    const message = (result.errorMessage ?? '') + errors.join('')
    const shown = message.replaceAll(/\b1\d{12}\b/g, 'TIME').replaceAll(topic.name, 'TOPIC')
    return `${p.errorName(result.errorCode)} ${shown}`.trim()
  }
  return `NONE ${await storedAt(client, topic, { offset: result.baseOffset, sent: batch })}`
}

/** Differences between the stored and the sent batch. */
async function storedAt(
  client: WireClient,
  topic: JudgingTopic,
  { offset, sent }: { readonly offset: bigint; readonly sent: Buffer },
): Promise<string> {
  const reply = await client.request(
    p.FetchRequest,
    p.FetchResponse,
    {
      maxWaitMs: 1000,
      minBytes: 1,
      topics: [
        {
          topic: topic.name,
          partitions: [{ partition: 0, fetchOffset: offset, partitionMaxBytes: 1 << 20 }],
        },
      ],
      forgottenTopicsData: [],
    },
    12,
  )
  const records = reply.responses[0]?.partitions[0]?.records
  assert.ok(records)
  const before = new RecordBatch(sent)
  const after = new RecordBatch(Buffer.from(records))
  assert.equal(after.computeCrc(), after.crc)
  const difference = (what: string, from: bigint | number, to: bigint | number): string[] =>
    from === to ? [] : [`${what} ${to}`]
  const ago = (timestamp: bigint): bigint => timestamp - before.baseTimestamp
  return [
    ...difference('attributes', before.attributes, after.attributes),
    ...difference('lastOffsetDelta', before.lastOffsetDelta, after.lastOffsetDelta),
    ...difference('count', before.count, after.count),
    ...(after.baseTimestamp === before.baseTimestamp
      ? []
      : [`baseTimestamp ${after.baseTimestamp === -1n ? -1 : `+${ago(after.baseTimestamp)}`}`]),
    // The time was set by the broker.
    ...(topic.isAppendTime || after.maxTimestamp === before.maxTimestamp
      ? []
      : [`maxTimestamp ${after.maxTimestamp === -1n ? -1 : `+${ago(after.maxTimestamp)}`}`]),
    ...difference('producerId', before.producerId, after.producerId),
    ...difference('producerEpoch', before.producerEpoch, after.producerEpoch),
    ...difference('baseSequence', before.baseSequence, after.baseSequence),
    ...storedRecords(after),
  ].join(', ')
}

function storedRecords(batch: RecordBatch): string[] {
  try {
    const offsets = readRecords(batch).map(({ offset }) => offset - batch.baseOffset)
    return offsets.every((offset, i) => offset === BigInt(i))
      ? []
      : [`offsets ${offsets.join(' ')}`]
  } catch {
    return ['unreadable']
  }
}

/** Reason for an intentional difference from Kafka's verdict; undefined if there must be none. */
export function difference(corruption: string, kafka: string, ours: string): string | undefined {
  const isRefused = !ours.startsWith('NONE')
  const hasTrailer = /^(a byte after the compressed bytes|the compressed bytes twice)$/
  if (kafka.startsWith('NONE') && isRefused && hasTrailer.test(corruption)) {
    return 'Kafka ignores bytes after the compressed data, for which other clients reject the batch'
  }
  if (kafka.includes('unreadable') && isRefused) {
    return 'Kafka stores record sizes that its own consumers reject'
  }
  if (/offsets [-\d ]+/.test(kafka)) {
    const repaired = kafka.replace(/(, )?offsets [-\d ]+/, '')
    if (ours === repaired) return 'Kafka stores offsets that are not consecutive; they are repaired'
  }
  return undefined
}

/** Whether two verdicts are equivalent; error messages of Kafka must be identical. */
export function isAlike(kafka: string, ours: string): boolean {
  const [code = '', ...words] = kafka.split(' ')
  return code === 'NONE' || words.length > 0 ? kafka === ours : ours.split(' ')[0] === code
}
