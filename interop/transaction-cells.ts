// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from 'node:timers/promises'
import * as p from '@millrace/protocol'
import { WireClient } from '@millrace/testkit'
import { coordinatorFound, createTopic, errorText } from './wire-steps.ts'

export const TOPIC = 'cells'
const GROUP = 'cells-group'
const TIMEOUT_MS = 60_000
/** Long enough for a slow machine to complete a setup that does not wait for it. */
const SHORT_TIMEOUT_MS = 300

/** A transactional id on one broker, in its state before the request of a cell. */
interface Start {
  readonly client: WireClient
  readonly topicId: string
  readonly transactionalId: string
  readonly producerId: bigint
  readonly epoch: number
  /** An id that no producer has. */
  readonly otherProducerId: bigint
}

type Setup = (start: Start) => Promise<void>

async function init(start: Start, transactionTimeoutMs = TIMEOUT_MS): Promise<Start> {
  for (;;) {
    const { errorCode, producerId, producerEpoch } = await start.client.request(
      p.InitProducerIdRequest,
      p.InitProducerIdResponse,
      { transactionalId: start.transactionalId, transactionTimeoutMs },
      5,
    )
    if (errorCode === p.ErrorCode.NONE) return { ...start, producerId, epoch: producerEpoch }
    const isTransient =
      errorCode === p.ErrorCode.CONCURRENT_TRANSACTIONS ||
      errorCode === p.ErrorCode.COORDINATOR_NOT_AVAILABLE ||
      errorCode === p.ErrorCode.NOT_COORDINATOR ||
      errorCode === p.ErrorCode.COORDINATOR_LOAD_IN_PROGRESS
    if (!isTransient) throw new Error(`InitProducerId: ${errorText(errorCode)}`)
    await sleep(20)
  }
}

async function add(start: Start): Promise<void> {
  const reply = await start.client.request(
    p.AddPartitionsToTxnRequest,
    p.AddPartitionsToTxnResponse,
    {
      v3AndBelowTransactionalId: start.transactionalId,
      v3AndBelowProducerId: start.producerId,
      v3AndBelowProducerEpoch: start.epoch,
      v3AndBelowTopics: [{ name: TOPIC, partitions: [0] }],
    },
    3,
  )
  const code = reply.resultsByTopicV3AndBelow[0]?.resultsByPartition[0]?.partitionErrorCode
  if (code !== p.ErrorCode.NONE) throw new Error(`AddPartitionsToTxn: ${errorText(code ?? -2)}`)
}

function batchOf(producerId: bigint, producerEpoch: number): Buffer {
  const record = { timestamp: BigInt(Date.now()), key: null, value: Buffer.from('v') }
  const producer = { producerId, producerEpoch, baseSequence: 0, isTransactional: true }
  return p.buildBatch([record], producer)
}

async function write(start: Start): Promise<void> {
  const records = batchOf(start.producerId, start.epoch)
  const reply = await start.client.request(
    p.ProduceRequest,
    p.ProduceResponse,
    {
      transactionalId: start.transactionalId,
      acks: -1,
      timeoutMs: 5000,
      topicData: [{ name: TOPIC, partitionData: [{ index: 0, records }] }],
    },
    11,
  )
  const code = reply.responses[0]?.partitionResponses[0]?.errorCode ?? -2
  if (code !== p.ErrorCode.NONE) throw new Error(`Produce: ${errorText(code)}`)
}

async function end(start: Start, version: number, committed: boolean): Promise<void> {
  const { errorCode } = await start.client.request(
    p.EndTxnRequest,
    p.EndTxnResponse,
    {
      transactionalId: start.transactionalId,
      producerId: start.producerId,
      producerEpoch: start.epoch,
      committed,
    },
    version,
  )
  if (errorCode !== p.ErrorCode.NONE) throw new Error(`EndTxn: ${errorText(errorCode)}`)
}

async function described(start: Start) {
  const { transactionStates } = await start.client.request(
    p.DescribeTransactionsRequest,
    p.DescribeTransactionsResponse,
    { transactionalIds: [start.transactionalId] },
  )
  return transactionStates[0]
}

/** The state once no outcome is being completed. */
async function settled(start: Start) {
  for (;;) {
    const state = await described(start)
    if (state === undefined || !state.transactionState.startsWith('Prepare')) return state
    await sleep(5)
  }
}

async function timedOut(start: Start): Promise<void> {
  for (;;) {
    const state = await settled(start)
    if (state?.transactionState === 'CompleteAbort') return
    await sleep(20)
  }
}

/** A transaction with one partition, ended by EndTxn in a version. */
function ended(version: number, committed: boolean): Setup {
  return async (start) => {
    const known = await init(start)
    await add(known)
    await end(known, version, committed)
  }
}

/** Brings an id into a state, by the state's name in the table. */
const setups: Readonly<Record<string, Setup>> = {
  absent: async () => undefined,
  empty: async (start) => void (await init(start)),
  'empty again': async (start) => void (await init(await init(await init(start)))),
  ongoing: async (start) => add(await init(start)),
  'ongoing with data': async (start) => {
    const known = await init(await init(start))
    await add(known)
    await write(known)
  },
  'committed by v4': ended(4, true),
  'committed by v5': ended(5, true),
  'aborted by v4': ended(4, false),
  'aborted by v5': ended(5, false),
  'aborted empty': async (start) => end(await init(start), 5, false),
  'fenced by another': async (start) => {
    await add(await init(start))
    await start.client.request(
      p.InitProducerIdRequest,
      p.InitProducerIdResponse,
      { transactionalId: start.transactionalId, transactionTimeoutMs: TIMEOUT_MS },
      5,
    )
  },
  'ongoing again': async (start) => {
    const known = await init(start)
    await add(known)
    await end(known, 5, true)
    await settled(known)
    await add({ ...known, epoch: known.epoch + 1 })
  },
  'timed out': async (start) => {
    const known = await init(start, SHORT_TIMEOUT_MS)
    await add(known)
    await timedOut(known)
  },
}

/** The request of a cell; returns the reply as text, with ids and epochs relative to the start. */
type Run = (start: Start) => Promise<string>

interface Probe {
  readonly name: string
  readonly run: Run
}

/** Producer ids and epochs that a request may contain, relative to the coordinator's. */
const identities: Readonly<
  Record<string, (start: Start) => { producerId: bigint; producerEpoch: number }>
> = {
  same: ({ producerId, epoch }) => ({ producerId, producerEpoch: epoch }),
  'epoch-1': ({ producerId, epoch }) => ({ producerId, producerEpoch: epoch - 1 }),
  'epoch+1': ({ producerId, epoch }) => ({ producerId, producerEpoch: epoch + 1 }),
  'epoch -1': ({ producerId }) => ({ producerId, producerEpoch: -1 }),
  other: ({ epoch, otherProducerId }) => ({ producerId: otherProducerId, producerEpoch: epoch }),
  none: () => ({ producerId: -1n, producerEpoch: -1 }),
  'none but an epoch': ({ epoch }) => ({ producerId: -1n, producerEpoch: epoch }),
}

function relative(start: Start, producerId: bigint, producerEpoch: number): string {
  const id = producerId === -1n ? 'none' : producerId === start.producerId ? 'same' : 'new'
  return `${id} ${producerEpoch}`
}

/** Versions of each API; only those that decide differently, except for identity `same`. */
const versionsOf = {
  InitProducerId: { all: [0, 1, 2, 3, 4, 5], distinct: [3, 4, 5] },
  AddPartitionsToTxn: { all: [0, 1, 2, 3], distinct: [1, 3] },
  AddOffsetsToTxn: { all: [0, 1, 2, 3, 4], distinct: [1, 4] },
  EndTxn: { all: [0, 1, 2, 3, 4, 5], distinct: [1, 4, 5] },
  TxnOffsetCommit: { all: [0, 1, 2, 3, 4, 5, 6], distinct: [3, 4, 5] },
  Produce: { all: [3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13], distinct: [10, 11, 12] },
}

/** `INTEROP_ALL_CELLS=1` tests every identity in every version. */
const isComplete = process.env.INTEROP_ALL_CELLS === '1'

function versions(api: keyof typeof versionsOf, identity: string): readonly number[] {
  const { all, distinct } = versionsOf[api]
  return isComplete || identity === 'same' ? all : distinct
}

function probes(): Probe[] {
  const all: Probe[] = []
  const each = (api: string, version: number, identity: string, more: string, run: Run): void => {
    all.push({ name: `${api} v${version} ${identity}${more === '' ? '' : ` ${more}`}`, run })
  }
  for (const [identity, of] of Object.entries(identities)) {
    for (const version of versions('InitProducerId', identity === 'none' ? 'same' : identity)) {
      if (version < 3 && identity !== 'none') continue
      each('InitProducerId', version, identity, '', async (start) => {
        const reply = await start.client.request(
          p.InitProducerIdRequest,
          p.InitProducerIdResponse,
          {
            transactionalId: start.transactionalId,
            transactionTimeoutMs: TIMEOUT_MS,
            ...(version < 3 ? {} : of(start)),
          },
          version,
        )
        const { errorCode, producerId, producerEpoch } = reply
        return `${errorText(errorCode)} ${relative(start, producerId, producerEpoch)}`
      })
    }
    for (const version of versions('EndTxn', identity)) {
      for (const committed of [true, false]) {
        each('EndTxn', version, identity, committed ? 'commit' : 'abort', async (start) => {
          const { errorCode, producerId, producerEpoch } = await start.client.request(
            p.EndTxnRequest,
            p.EndTxnResponse,
            { transactionalId: start.transactionalId, ...of(start), committed },
            version,
          )
          return `${errorText(errorCode)} ${relative(start, producerId, producerEpoch)}`
        })
      }
    }
    for (const version of versions('AddPartitionsToTxn', identity)) {
      for (const partitions of [[0], [1], [0, 1], [7], [1, 7], []]) {
        if (version !== 3 && partitions.length !== 1) continue
        each('AddPartitionsToTxn', version, identity, `[${partitions}]`, async (start) => {
          const { producerId, producerEpoch } = of(start)
          const reply = await start.client.request(
            p.AddPartitionsToTxnRequest,
            p.AddPartitionsToTxnResponse,
            {
              v3AndBelowTransactionalId: start.transactionalId,
              v3AndBelowProducerId: producerId,
              v3AndBelowProducerEpoch: producerEpoch,
              v3AndBelowTopics: [{ name: TOPIC, partitions }],
            },
            version,
          )
          return addedText(reply.resultsByTopicV3AndBelow)
        })
      }
    }
    for (const version of isComplete || identity === 'same' ? [4, 5] : [5]) {
      for (const verifyOnly of [true, false]) {
        for (const partition of [0, 1, 7]) {
          const more = `${verifyOnly ? 'verify ' : ''}[${partition}]`
          each('AddPartitionsToTxn', version, identity, more, async (start) => {
            const reply = await start.client.request(
              p.AddPartitionsToTxnRequest,
              p.AddPartitionsToTxnResponse,
              {
                transactions: [
                  {
                    transactionalId: start.transactionalId,
                    ...of(start),
                    verifyOnly,
                    topics: [{ name: TOPIC, partitions: [partition] }],
                  },
                ],
              },
              version,
            )
            const topics = reply.resultsByTransaction[0]?.topicResults ?? []
            return `${errorText(reply.errorCode)} ${addedText(topics)}`
          })
        }
      }
    }
    for (const version of versions('AddOffsetsToTxn', identity)) {
      each('AddOffsetsToTxn', version, identity, '', async (start) => {
        const { errorCode } = await start.client.request(
          p.AddOffsetsToTxnRequest,
          p.AddOffsetsToTxnResponse,
          { transactionalId: start.transactionalId, ...of(start), groupId: GROUP },
          version,
        )
        return errorText(errorCode)
      })
    }
    for (const version of versions('TxnOffsetCommit', identity)) {
      each('TxnOffsetCommit', version, identity, '', async (start) => {
        const partitions = [
          { partitionIndex: 0, committedOffset: 3n, committedMetadata: '' },
          { partitionIndex: 7, committedOffset: 3n, committedMetadata: '' },
        ]
        const topic = version >= 6 ? { topicId: start.topicId } : { name: TOPIC }
        const reply = await start.client.request(
          p.TxnOffsetCommitRequest,
          p.TxnOffsetCommitResponse,
          {
            transactionalId: start.transactionalId,
            groupId: GROUP,
            ...of(start),
            topics: [{ ...topic, partitions }],
          },
          version,
        )
        return reply.topics
          .flatMap((each) => each.partitions)
          .map(({ partitionIndex, errorCode }) => `${partitionIndex}:${errorText(errorCode)}`)
          .sort()
          .join(' ')
      })
    }
    for (const version of versions('Produce', identity)) {
      for (const index of [0, 1]) {
        each('Produce', version, identity, `[${index}]`, async (start) => {
          const { producerId, producerEpoch } = of(start)
          const records = batchOf(producerId, producerEpoch)
          const topic = version >= 13 ? { topicId: start.topicId } : { name: TOPIC }
          const reply = await start.client.request(
            p.ProduceRequest,
            p.ProduceResponse,
            {
              transactionalId: start.transactionalId,
              acks: -1,
              timeoutMs: 5000,
              topicData: [{ ...topic, partitionData: [{ index, records }] }],
            },
            version,
          )
          const code = reply.responses[0]?.partitionResponses[0]?.errorCode ?? -2
          return errorText(code)
        })
      }
    }
  }
  for (const [identity, of] of Object.entries(identities)) {
    for (const [version, transactionVersion] of [
      [1, 0],
      [2, 0],
      [2, 2],
    ] as const) {
      for (const [coordinatorEpoch, transactionResult] of [
        [0, true],
        [0, false],
        [9, true],
        [-1, true],
      ] as const) {
        const more = `${transactionResult ? 'commit' : 'abort'} tv${transactionVersion} coordinator ${coordinatorEpoch}`
        each('WriteTxnMarkers', version, identity, more, async (start) => {
          const { markers } = await start.client.request(
            p.WriteTxnMarkersRequest,
            p.WriteTxnMarkersResponse,
            {
              markers: [
                {
                  ...of(start),
                  transactionResult,
                  coordinatorEpoch,
                  transactionVersion,
                  topics: [{ name: TOPIC, partitionIndexes: [0, 7] }],
                },
              ],
            },
            version,
          )
          const outcome = markers
            .flatMap(({ topics }) => topics)
            .flatMap(({ partitions }) => partitions)
            .map(({ partitionIndex, errorCode }) => `${partitionIndex}:${errorText(errorCode)}`)
            .sort()
            .join(' ')
          return `${outcome} ${await logState(start)}`
        })
      }
    }
  }
  return all
}

/** State of the producer in the log of partition 0. */
async function logState(start: Start): Promise<string> {
  const { topics } = await start.client.request(
    p.DescribeProducersRequest,
    p.DescribeProducersResponse,
    { topics: [{ name: TOPIC, partitionIndexes: [0] }] },
  )
  const producers = topics[0]?.partitions[0]?.activeProducers ?? []
  const found = producers.find(({ producerId }) => producerId === start.producerId)
  if (found === undefined) return 'unknown in the log'
  const { producerEpoch, lastSequence, coordinatorEpoch, currentTxnStartOffset } = found
  const isOpen = currentTxnStartOffset >= 0n
  return `epoch ${producerEpoch} sequence ${lastSequence} coordinator ${coordinatorEpoch} ${isOpen ? 'open' : 'ended'}`
}

function addedText(
  topics: readonly {
    readonly resultsByPartition: readonly {
      readonly partitionIndex: number
      readonly partitionErrorCode: number
    }[]
  }[],
): string {
  return topics
    .flatMap(({ resultsByPartition }) => resultsByPartition)
    .map(
      ({ partitionIndex, partitionErrorCode }) =>
        `${partitionIndex}:${errorText(partitionErrorCode)}`,
    )
    .sort()
    .join(' ')
}

export interface Cell {
  readonly index: number
  readonly name: string
  readonly setup: Setup
  readonly probe: Probe
}

/** Every state that can be reached over the wire × every request. */
export function transactionCells(): Cell[] {
  // Markers bypass the coordinator: the log decides, for which few of the states differ.
  const isWorthwhile = (state: string, { name }: Probe): boolean =>
    isComplete ||
    !name.startsWith('WriteTxnMarkers') ||
    ['ongoing', 'ongoing with data', 'committed by v5', 'timed out'].includes(state)
  return Object.entries(setups)
    .flatMap(([state, setup]) =>
      probes()
        .filter((probe) => isWorthwhile(state, probe))
        .map((probe) => ({ name: `${state}: ${probe.name}`, setup, probe })),
    )
    .map((cell, index) => ({ ...cell, index }))
}

async function runCell(cell: Cell, client: WireClient, topicId: string): Promise<string> {
  const otherProducerId = 1_000_000n + BigInt(cell.index)
  const { name: transactionalId } = cell
  const empty = { client, topicId, transactionalId, producerId: -1n, epoch: -1, otherProducerId }
  await cell.setup(empty)
  const before = await settled(empty)
  const isKnown = before?.errorCode === p.ErrorCode.NONE
  const start: Start = isKnown
    ? { ...empty, producerId: before.producerId, epoch: before.producerEpoch }
    : { ...empty, producerId: otherProducerId + 1_000_000n, epoch: 0 }
  let reply: string
  try {
    reply = await cell.probe.run(start)
  } catch (error) {
    return `${(error as Error).message}`
  }
  const after = await settled(start)
  if (after === undefined || after.errorCode !== p.ErrorCode.NONE) return `${reply}; no state`
  const partitions = after.topics
    .flatMap(({ topic, partitions: indexes }) => indexes.map((index) => `${topic}-${index}`))
    // Partition numbers of the offsets topic differ between the brokers.
    .map((name) => name.replace(/^__consumer_offsets-\d+$/, '__consumer_offsets'))
    .sort()
  const identity = relative(start, after.producerId, after.producerEpoch)
  return `${reply}; ${after.transactionState} ${identity} [${partitions}]`
}

/** Runs all cells on one broker; returns outcomes by name of the cell. */
export async function runTransactionCells(
  address: string,
  cells: readonly Cell[],
): Promise<Map<string, string>> {
  const outcomes = new Map<string, string>()
  const setup = await WireClient.connect(address)
  const topicId = await createTopic(setup, TOPIC, 2)
  await warmUp(setup, topicId)
  setup.close()
  const work = async (queue: Cell[]): Promise<void> => {
    const client = await WireClient.connect(address)
    for (let cell = queue.pop(); cell !== undefined; cell = queue.pop()) {
      outcomes.set(cell.name, await runCell(cell, client, topicId))
    }
    client.close()
  }
  // Kafka combines verifications of several requests into one, and then all get the errors of the
  // first request's version.
  const isVerified = ({ probe }: Cell): boolean => /^(Produce|TxnOffsetCommit)/.test(probe.name)
  const others = cells.filter((cell) => !isVerified(cell))
  await Promise.all(Array.from({ length: 8 }, () => work(others)))
  await work(cells.filter(isVerified))
  return outcomes
}

/** Kafka creates the internal topics on the first request, and loads them with a delay. */
async function warmUp(client: WireClient, topicId: string): Promise<void> {
  const nobody = { producerId: -1n, epoch: -1, otherProducerId: -1n }
  const start = { client, topicId, transactionalId: 'warm-up', ...nobody }
  await coordinatorFound(client, 1, 'txn')
  await coordinatorFound(client, 0, GROUP)
  const known = await init(start)
  await add(known)
  for (;;) {
    const reply = await client.request(
      p.TxnOffsetCommitRequest,
      p.TxnOffsetCommitResponse,
      {
        transactionalId: known.transactionalId,
        groupId: GROUP,
        producerId: known.producerId,
        producerEpoch: known.epoch,
        topics: [
          {
            name: TOPIC,
            partitions: [{ partitionIndex: 0, committedOffset: 1n, committedMetadata: '' }],
          },
        ],
      },
      5,
    )
    if (reply.topics[0]?.partitions[0]?.errorCode === 0) break
    await sleep(50)
  }
  await end(known, 5, true)
}
