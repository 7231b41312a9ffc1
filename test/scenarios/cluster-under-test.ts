// SPDX-License-Identifier: Apache-2.0
import { Admin, type ClientOptions } from '@millrace/client'

/** The cluster that a scenario runs against: an embedded millrace or Apache Kafka. */
export interface ClusterUnderTest {
  readonly client: ClientOptions
  readonly replicationFactor: number
  /**
   * Creates a topic with a unique name, and returns the name. Its records are kept by default,
   * however old: a broker runs its retention half a minute after its start.
   */
  createTopic(
    name: string,
    options?: { readonly partitions?: number; readonly configs?: Readonly<Record<string, string>> },
  ): Promise<string>
  /** A unique name. */
  unique(name: string): string
}

let counter = 0

export function clusterUnderTest(client: ClientOptions, replicationFactor = 1): ClusterUnderTest {
  const unique = (name: string): string => `${name}-${process.pid}-${counter++}`
  return {
    client,
    replicationFactor,
    unique,
    async createTopic(name, { partitions = 1, configs = {} } = {}) {
      const topic = unique(name)
      await using admin = new Admin(client)
      await admin.createTopics([
        {
          name: topic,
          numPartitions: partitions,
          replicationFactor,
          configs: { 'retention.ms': '-1', ...configs },
        },
      ])
      return topic
    },
  }
}
