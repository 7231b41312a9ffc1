// SPDX-License-Identifier: Apache-2.0
import { MemoryNetwork, nodeWorld } from '@millrace/base'
import {
  buildBatch,
  CreateTopicsRequest,
  CreateTopicsResponse,
  DescribeClusterRequest,
  DescribeClusterResponse,
  errorName,
  MetadataRequest,
  MetadataResponse,
  ProduceRequest,
  ProduceResponse,
} from '@millrace/protocol'
import { type Pipe, WireClient } from '@millrace/testkit'
import { Broker } from '../../broker.ts'

/** A broker without disk and sockets, and a client that sends it single requests. */
export class BrokerBench {
  readonly broker: Broker
  readonly client: WireClient

  private constructor(broker: Broker, client: WireClient) {
    this.broker = broker
    this.client = client
  }

  static async start(config: Readonly<Record<string, string>> = {}): Promise<BrokerBench> {
    const broker = await Broker.start({
      config: { 'group.initial.rebalance.delay.ms': '0', ...config },
      world: { ...nodeWorld, network: new MemoryNetwork() },
    })
    return new BrokerBench(broker, await connect(broker))
  }

  async close(): Promise<void> {
    this.client.close()
    await this.broker.close()
  }

  /** A further client. */
  connect(): Promise<WireClient> {
    return connect(this.broker)
  }

  async createTopic(
    name: string,
    { numPartitions = 1, configs = {} }: { numPartitions?: number; configs?: object } = {},
  ): Promise<void> {
    const { topics } = await this.client.request(CreateTopicsRequest, CreateTopicsResponse, {
      topics: [
        {
          name,
          numPartitions,
          replicationFactor: 1,
          assignments: [],
          configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
        },
      ],
    })
    const [topic] = topics
    if (topic?.errorCode !== 0) throw new Error(`${name}: ${topic?.errorMessage}`)
  }

  async topicId(name: string): Promise<string> {
    const { topics } = await this.client.request(MetadataRequest, MetadataResponse, {
      topics: [{ name }],
    })
    return topics[0]?.topicId ?? ''
  }

  async nodeId(): Promise<number> {
    const { brokers } = await this.client.request(DescribeClusterRequest, DescribeClusterResponse, {
      includeClusterAuthorizedOperations: false,
    })
    return brokers[0]?.brokerId ?? -1
  }

  /** Writes records whose timestamps are given; returns the offset, or the error. */
  async produce(
    topic: string,
    timestamps: readonly number[],
    { partition = 0, more = {} }: { partition?: number; more?: object } = {},
  ): Promise<string> {
    const records = buildBatch(
      timestamps.map((timestamp) => ({
        timestamp: BigInt(timestamp),
        key: Buffer.from(`key ${timestamp}`),
        value: Buffer.from(`value ${timestamp}`),
      })),
      more,
    )
    const { responses } = await this.client.request(
      ProduceRequest,
      ProduceResponse,
      {
        acks: -1,
        timeoutMs: 1000,
        topicData: [{ name: topic, partitionData: [{ index: partition, records }] }],
      },
      12,
    )
    const result = responses[0]?.partitionResponses[0]
    const code = errorName(result?.errorCode ?? -1)
    return code === 'NONE' ? String(result?.baseOffset) : code
  }
}

async function connect({ network, address }: Broker): Promise<WireClient> {
  const port = Number(address.split(':').at(-1))
  const connection = await network.connect({ host: '127.0.0.1', port })
  const pipe: Pipe = {
    write: (data) => void connection.write([data]),
    close: () => connection.destroy(),
    onData() {},
    onClose() {},
  }
  connection.onData = (chunk) => pipe.onData(chunk)
  connection.onClose = () => pipe.onClose()
  return new WireClient(pipe)
}
