// SPDX-License-Identifier: Apache-2.0
import {
  ByteReader,
  ByteWriter,
  type ClientNetwork,
  type Connection,
  connectionPair,
  type Timer,
} from '@millrace/base'
import {
  ApiVersionsRequest,
  ApiVersionsResponse,
  apis,
  codecOf,
  FindCoordinatorRequest,
  FindCoordinatorResponse,
  type MessageInput,
  type MessageOf,
  type MessageSchema,
  MetadataRequest,
  MetadataResponse,
  readRequestHeader,
  skipHeaderTags,
  versionBounds,
  writeResponseHeader,
} from '@millrace/protocol'
import { type ProcessClock, SimulatedClock, seededRandom } from '@millrace/testkit'
import { Cluster } from '../metadata/cluster.ts'
import { type ClientOptions, resolveClientOptions } from '../options.ts'

/** A request as a scripted broker received it. */
export interface Received {
  readonly api: string
  readonly version: number
  /** Id of the broker. */
  readonly node: number
  readonly atMs: number
  readonly message: unknown
}

/** What a broker does with a request when it does not reply. */
export type Silence =
  /** Closes the connection. */
  | 'close'
  /** Keeps the connection open. */
  | 'silence'

interface Context {
  readonly version: number
  /** Id of the broker. */
  readonly node: number
}

/** A reply. */
export type Reply<S extends MessageSchema> = Omit<MessageInput<S>, 'throttleTimeMs'>

/** A reply, or a function that creates it from the request. */
export type Answer<Q extends MessageSchema, S extends MessageSchema> =
  | Reply<S>
  | Silence
  | ((request: MessageOf<Q>, context: Context) => Reply<S> | Silence | Promise<Reply<S> | Silence>)

type Handler = (message: unknown, context: Context) => unknown

interface ScriptedTopic {
  id: string
  /** Leader of each partition; -1 for none. */
  leaders: number[]
  leaderEpoch: number
}

/** Node id of a port. */
const FIRST_PORT = 9000

/**
 * Brokers that reply as a test defines, in simulated time. They support ApiVersions, Metadata and
 * FindCoordinator; `answer` and `queue` add others.
 */
export class ScriptedCluster {
  readonly clock = new SimulatedClock()
  readonly received: Received[] = []
  readonly topics = new Map<string, ScriptedTopic>()
  /** Brokers that accept connections. */
  readonly nodes: Set<number>
  /** Coordinator of every group and transactional id. */
  coordinator = 1
  /** Newest versions that the brokers offer, by name of the API. */
  readonly maxVersions = new Map<string, number>()
  readonly features = new Map<string, number>([
    ['group.version', 1],
    ['transaction.version', 2],
    ['share.version', 1],
  ])
  readonly #process: ProcessClock = this.clock.process()
  readonly #handlers = new Map<string, Handler>()
  readonly #queues = new Map<string, Handler[]>()
  readonly #open = new Map<number, Set<Connection>>()
  /** Rejects with the error of an answer: the script is wrong. */
  readonly #failed = Promise.withResolvers<never>()

  constructor(nodeCount = 1) {
    this.#failed.promise.catch(() => undefined)
    this.nodes = new Set(Array.from({ length: nodeCount }, (_, i) => i + 1))
    this.answer(ApiVersionsRequest, ApiVersionsResponse, () => this.#apiVersions())
    this.answer(MetadataRequest, MetadataResponse, ({ topics }) => this.metadata(topics))
    this.answer(FindCoordinatorRequest, FindCoordinatorResponse, ({ coordinatorKeys }) => {
      const node = { nodeId: this.coordinator, ...addressOf(this.coordinator) }
      return { ...node, coordinators: coordinatorKeys.map((key) => ({ key, ...node })) }
    })
  }

  /** Options for a client of these brokers. */
  get options(): Pick<Required<ClientOptions>, 'bootstrapServers' | 'network' | 'world'> {
    return {
      bootstrapServers: [...this.nodes].map((node) => `127.0.0.1:${FIRST_PORT + node}`),
      network: this.#network(),
      world: { clock: this.#process, random: seededRandom(1) },
    }
  }

  /** A client's view of these brokers. */
  cluster(options: Partial<ClientOptions> = {}, more = {}): Cluster {
    return new Cluster(resolveClientOptions({ ...this.options, ...options }), more)
  }

  get nowMs(): number {
    return this.clock.elapsedMs
  }

  topic(name: string, leaders: number[], id = name.padEnd(21, 'x').concat('A')): void {
    this.topics.set(name, { id, leaders, leaderEpoch: 0 })
  }

  /** Answers every request of an API. */
  answer<Q extends MessageSchema, S extends MessageSchema>(
    request: Q,
    _response: S,
    answer: Answer<Q, S>,
  ): void {
    this.#handlers.set(apiOf(request), handlerOf(answer))
  }

  /** Answers the next requests of an API, one after another, before `answer` applies. */
  queue<Q extends MessageSchema, S extends MessageSchema>(
    request: Q,
    _response: S,
    ...answers: readonly Answer<Q, S>[]
  ): void {
    const name = apiOf(request)
    const queue = this.#queues.get(name) ?? []
    this.#queues.set(name, queue)
    queue.push(...answers.map(handlerOf))
  }

  /** Requests of one API so far. */
  requests<Q extends MessageSchema>(request: Q): readonly (Received & { message: MessageOf<Q> })[] {
    const name = apiOf(request)
    return this.received.filter(({ api }) => api === name) as (Received & {
      message: MessageOf<Q>
    })[]
  }

  /** Names of the APIs that were requested, without those that every client sends. */
  get trace(): string {
    return this.received
      .map(({ api }) => api)
      .filter((api) => !['ApiVersions', 'Metadata', 'FindCoordinator'].includes(api))
      .join(' ')
  }

  /** Lets time pass until the work is done. */
  run<T>(work: Promise<T>, limitMs = 1_000_000): Promise<T> {
    return this.clock.run(Promise.race([work, this.#failed.promise]), limitMs + this.nowMs)
  }

  /** Lets simulated time pass. */
  pass(ms: number): Promise<void> {
    return this.run(new Promise((resolve) => this.#process.setTimer(ms, resolve)))
  }

  /** The error that the work ends with. */
  async failure(work: Promise<unknown>): Promise<{ code: string; message: string }> {
    const outcome = this.run(
      work.then(
        (value) => ({ value }),
        (error: unknown) => ({ error }),
      ),
    )
    const { error } = (await outcome) as { error?: { code: string; message: string } }
    if (error === undefined) throw new Error('the work did not fail')
    return error
  }

  timer(ms: number, callback: () => void): Timer {
    return this.#process.setTimer(ms, callback)
  }

  /** Ends the connections to a broker, which stays reachable unless it is removed from `nodes`. */
  disconnect(node: number): void {
    for (const connection of this.#open.get(node) ?? []) connection.destroy()
  }

  /** The response to Metadata for the topics of a request. */
  metadata(
    asked: readonly { readonly name: string | null }[] | null,
  ): Reply<typeof MetadataResponse> {
    const names = asked?.map(({ name }) => name ?? '') ?? [...this.topics.keys()]
    return {
      clusterId: 'scripted',
      controllerId: 1,
      brokers: [...this.nodes].map((nodeId) => ({ nodeId, ...addressOf(nodeId), rack: null })),
      topics: names.map((name) => {
        const topic = this.topics.get(name)
        if (topic === undefined) return { errorCode: 3, name, partitions: [] }
        return {
          errorCode: 0,
          name,
          topicId: topic.id,
          isInternal: false,
          partitions: topic.leaders.map((leaderId, partitionIndex) => ({
            errorCode: leaderId < 0 ? 5 : 0,
            partitionIndex,
            leaderId,
            leaderEpoch: topic.leaderEpoch,
            replicaNodes: [...this.nodes],
            isrNodes: [...this.nodes],
            offlineReplicas: [],
          })),
        }
      }),
    }
  }

  #apiVersions(): Reply<typeof ApiVersionsResponse> {
    return {
      errorCode: 0,
      apiKeys: [...apis.values()].map(({ key, name, request }) => ({
        apiKey: key,
        minVersion: versionBounds(request.versions)[0],
        maxVersion: this.maxVersions.get(name) ?? versionBounds(request.versions)[1],
      })),
      finalizedFeaturesEpoch: 1n,
      finalizedFeatures: [...this.features].map(([name, level]) => ({
        name,
        minVersionLevel: 1,
        maxVersionLevel: level,
      })),
    }
  }

  #network(): ClientNetwork {
    return {
      connect: async ({ port }) => {
        const node = port - FIRST_PORT
        if (!this.nodes.has(node)) {
          throw Object.assign(new Error(`connect ECONNREFUSED :${port}`), { code: 'ECONNREFUSED' })
        }
        const [client, server] = connectionPair(port)
        const open = this.#open.get(node) ?? new Set()
        this.#open.set(node, open.add(server))
        server.onClose = () => void open.delete(server)
        this.#serve(node, server)
        return client
      },
    }
  }

  #serve(node: number, connection: Connection): void {
    let buffered: Buffer = Buffer.alloc(0)
    // Replies are sent in the order of the requests.
    let last: Promise<unknown> = Promise.resolve()
    connection.onData = (chunk) => {
      buffered = Buffer.concat([buffered, chunk])
      while (buffered.length >= 4 && buffered.length >= 4 + buffered.readInt32BE(0)) {
        const end = 4 + buffered.readInt32BE(0)
        const frame = buffered.subarray(4, end)
        buffered = buffered.subarray(end)
        const reply = this.#reply(node, frame)
        last = Promise.all([reply, last]).then(([bytes]) => {
          if (bytes === 'close') connection.destroy()
          else if (bytes !== undefined) connection.write([bytes])
        }, this.#failed.reject)
      }
    }
  }

  async #reply(node: number, frame: Buffer): Promise<Buffer | 'close' | undefined> {
    const reader = new ByteReader(frame)
    const { apiKey, apiVersion, correlationId } = readRequestHeader(reader)
    const api = apis.get(apiKey)
    if (api === undefined) throw new Error(`a request with key ${apiKey}`)
    skipHeaderTags(reader, api, apiVersion)
    const request = codecOf(api.request, apiVersion).decode(reader)
    this.received.push({
      api: api.name,
      version: apiVersion,
      node,
      atMs: this.nowMs,
      message: request,
    })
    const handler = this.#queues.get(api.name)?.shift() ?? this.#handlers.get(api.name)
    if (handler === undefined) throw new Error(`no answer to ${api.name} in the script`)
    const answer = await handler(request, { version: apiVersion, node })
    if (answer === 'close') return 'close'
    if (answer === 'silence') return undefined
    const { acks } = request as { acks?: number }
    if (api.name === 'Produce' && acks === 0) return undefined
    const writer = new ByteWriter(256)
    writer.int32(0)
    writeResponseHeader(writer, api, apiVersion, correlationId)
    const message: unknown = { throttleTimeMs: 0, ...(answer as object) }
    codecOf(api.response, apiVersion).encode(writer, message as MessageInput<MessageSchema>)
    const bytes = writer.toBuffer()
    bytes.writeInt32BE(bytes.length - 4)
    return bytes
  }
}

/** The code of an error; undefined without one. */
export function codeOf(error: unknown): string | undefined {
  return (error as { readonly code?: string } | undefined)?.code
}

function addressOf(node: number): { readonly host: string; readonly port: number } {
  return { host: '127.0.0.1', port: FIRST_PORT + node }
}

function apiOf(request: MessageSchema): string {
  return request.name.replace(/Request$/, '')
}

function handlerOf(answer: unknown): Handler {
  return typeof answer === 'function' ? (answer as Handler) : () => answer
}
