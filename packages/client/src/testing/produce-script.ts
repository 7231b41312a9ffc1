// SPDX-License-Identifier: Apache-2.0
import {
  ErrorCode,
  type ErrorName,
  InitProducerIdRequest,
  InitProducerIdResponse,
  type MessageOf,
  ProduceRequest,
  ProduceResponse,
  RecordBatch,
} from '@millrace/protocol'
import { Producer } from '../producer/producer.ts'
import type { ProducerOptions } from '../producer/producer-options.ts'
import { type Reply, ScriptedCluster, type Silence } from './scripted-cluster.ts'

type ProduceReply = Reply<typeof ProduceResponse>

/** What a broker does with one Produce request. */
export type ProduceStep = ErrorName | Silence | Partial<ProduceReply>

/** Brokers that answer Produce with the next step of a script, and at its end with success. */
export class ProduceScript extends ScriptedCluster {
  nextProducerId = 100n
  #nextOffset = 0n

  constructor(nodeCount = 1) {
    super(nodeCount)
    this.topic('t', [1])
    this.answer(ProduceRequest, ProduceResponse, (request) => this.reply(request, 'NONE'))
    this.answer(InitProducerIdRequest, InitProducerIdResponse, () => ({
      errorCode: 0,
      producerId: this.nextProducerId++,
      producerEpoch: 0,
    }))
  }

  producer(options: Partial<ProducerOptions> = {}): Producer {
    return new Producer({ ...this.options, ...options })
  }

  /** The next Produce requests get these answers. */
  steps(...steps: readonly ProduceStep[]): void {
    for (const step of steps) {
      this.queue(ProduceRequest, ProduceResponse, (request) => {
        if (step === 'close' || step === 'silence') return step
        if (typeof step === 'string') return this.reply(request, step)
        return { ...this.reply(request, 'NOT_LEADER_OR_FOLLOWER'), ...step }
      })
    }
  }

  /** The same answer for all partitions of a request. */
  reply(request: MessageOf<typeof ProduceRequest>, error: ErrorName): ProduceReply {
    return {
      responses: request.topicData.map(({ name, topicId, partitionData }) => ({
        name,
        topicId,
        partitionResponses: partitionData.map(({ index, records }) => {
          const { count } = new RecordBatch(records ?? Buffer.alloc(0))
          const baseOffset = error === 'NONE' ? this.#nextOffset : -1n
          if (error === 'NONE') this.#nextOffset += BigInt(count)
          return {
            index,
            errorCode: ErrorCode[error],
            baseOffset,
            logAppendTimeMs: -1n,
            logStartOffset: 0n,
            recordErrors: [],
            errorMessage: null,
          }
        }),
      })),
    }
  }

  /** The batches that were sent: `1: t-0 #5+2 e0` is two records from sequence 5, to broker 1. */
  get batches(): string[] {
    const ids = new Map([...this.topics].map(([name, { id }]) => [id, name]))
    return this.requests(ProduceRequest).flatMap(({ node, message }) =>
      message.topicData.flatMap(({ name, topicId, partitionData }) =>
        partitionData.map(({ index, records }) => {
          const batch = new RecordBatch(records ?? Buffer.alloc(0))
          const topic = name === '' ? (ids.get(topicId) ?? topicId) : name
          const from = `#${batch.baseSequence}+${batch.count}`
          return `${node}: ${topic}-${index} ${from} e${batch.producerEpoch}`
        }),
      ),
    )
  }

  /** Times of the Produce requests, rounded to 10 ms. */
  get times(): number[] {
    return this.requests(ProduceRequest).map(({ atMs }) => Math.round(atMs / 10) * 10)
  }
}
