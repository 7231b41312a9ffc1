// SPDX-License-Identifier: Apache-2.0
// The same small tasks with each client, in the way its documentation recommends for speed.

/** Counts records up to `count`. */
export interface Counter {
  /** Returns true when the count is reached. `bytes`: size of the value. */
  add(bytes: number): boolean
  readonly done: Promise<void>
}

export interface Sending {
  /**
   * Sends values in one call, or the client's nearest equivalent, and waits for the
   * acknowledgement.
   */
  sendBatch(topic: string, values: readonly Buffer[]): Promise<unknown>
  sendOne(topic: string, value: Buffer): Promise<unknown>
  close(): Promise<unknown>
}

export interface Rival {
  readonly name: string
  /**
   * Reads a topic from its beginning; resolves once `counter` is complete and everything is closed.
   */
  consumeBatches(address: string, topic: string, counter: Counter): Promise<void>
  consumeEach(address: string, topic: string, counter: Counter): Promise<void>
  producer(address: string): Promise<Sending>
}

const group = (): string => `bench-${process.pid}-${Math.round(performance.now())}`

async function millrace(): Promise<Rival> {
  const { Consumer, Producer } = await import('@millrace/client')
  const options = (address: string) =>
    ({
      bootstrapServers: address,
      groupId: group(),
      autoOffsetReset: 'earliest',
      enableAutoCommit: false,
    }) as const
  return {
    name: 'millrace',
    async consumeBatches(address, topic, counter) {
      await using consumer = new Consumer({ ...options(address), topics: [topic] })
      const end = new AbortController()
      await consumer.run({
        eachBatch: (records) => {
          for (const record of records) {
            if (counter.add(record.value?.length ?? 0)) end.abort()
          }
        },
        signal: end.signal,
      })
    },
    async consumeEach(address, topic, counter) {
      await using consumer = new Consumer({ ...options(address), topics: [topic] })
      const end = new AbortController()
      await consumer.run({
        eachRecord: (record) => {
          if (counter.add(record.value?.length ?? 0)) end.abort()
        },
        signal: end.signal,
      })
    },
    async producer(address) {
      const producer = new Producer({ bootstrapServers: address })
      return {
        sendBatch: (topic, values) => producer.send(values.map((value) => ({ topic, value }))),
        sendOne: (topic, value) => producer.send({ topic, value }),
        close: () => producer.close(),
      }
    },
  }
}

/**
 * millrace with `for await`. The `consumeEach` of rivals is another API, so this is listed
 * separately.
 */
async function millraceIterator(): Promise<Rival> {
  const { Consumer } = await import('@millrace/client')
  const base = await millrace()
  return {
    ...base,
    name: 'millrace for await',
    async consumeEach(address, topic, counter) {
      await using consumer = new Consumer({
        bootstrapServers: address,
        groupId: group(),
        autoOffsetReset: 'earliest',
        enableAutoCommit: false,
        topics: [topic],
      })
      for await (const record of consumer) if (counter.add(record.value?.length ?? 0)) break
    },
  }
}

async function kafkats(): Promise<Rival> {
  const { KafkaClient } = await import('@kafkats/client')
  const connect = async (address: string) => {
    const client = new KafkaClient({ brokers: [address], clientId: 'bench', logLevel: 'silent' })
    await client.connect()
    return client
  }
  return {
    name: '@kafkats/client',
    async consumeBatches(address, topic, counter) {
      const client = await connect(address)
      const consumer = client.consumer({ groupId: group(), autoOffsetReset: 'earliest' })
      const running = consumer.runBatch(
        topic,
        async (messages) => {
          for (const { value } of messages) counter.add((value as Buffer).length)
        },
        { autoCommit: false },
      )
      await counter.done
      consumer.stop()
      await running
      await client.disconnect()
    },
    async consumeEach(address, topic, counter) {
      const client = await connect(address)
      const consumer = client.consumer({ groupId: group(), autoOffsetReset: 'earliest' })
      const running = consumer.runEach(
        topic,
        async ({ value }) => {
          counter.add((value as Buffer).length)
        },
        { autoCommit: false },
      )
      await counter.done
      consumer.stop()
      await running
      await client.disconnect()
    },
    async producer(address) {
      const client = await connect(address)
      const producer = client.producer()
      return {
        sendBatch: (topic, values) =>
          producer.send(
            topic,
            values.map((value) => ({ value })),
          ),
        sendOne: (topic, value) => producer.send(topic, { value }),
        close: async () => {
          await producer.disconnect()
          await client.disconnect()
        },
      }
    },
  }
}

async function kafkaTs(): Promise<Rival> {
  const { createKafkaClient, setLogger } = await import('kafka-ts')
  setLogger({ debug() {}, info() {}, warn() {}, error() {} } as never)
  const connect = (address: string) => {
    const [host = '', port] = address.split(':')
    return createKafkaClient({
      clientId: 'bench',
      bootstrapServers: [{ host, port: Number(port) }],
    })
  }
  const consume = async (address: string, topic: string, counter: Counter): Promise<void> => {
    const consumer = await connect(address).startConsumer({
      groupId: group(),
      topics: [topic],
      fromBeginning: true,
      onBatch: (messages) => {
        for (const { value } of messages) counter.add(value?.length ?? 0)
      },
    })
    await counter.done
    await consumer.close()
  }
  return {
    name: 'kafka-ts',
    consumeBatches: consume,
    consumeEach: consume,
    async producer(address) {
      const producer = connect(address).createProducer({})
      return {
        sendBatch: (topic, values) =>
          producer.send(values.map((value) => ({ topic, value: value as unknown as string }))),
        sendOne: (topic, value) => producer.send([{ topic, value: value as unknown as string }]),
        close: () => producer.close(),
      }
    },
  }
}

async function kafkajs(): Promise<Rival> {
  const { Kafka, logLevel } = (await import('kafkajs')).default
  const connect = (address: string) =>
    new Kafka({ clientId: 'bench', brokers: [address], logLevel: logLevel.NOTHING })
  return {
    name: 'kafkajs',
    async consumeBatches(address, topic, counter) {
      const consumer = connect(address).consumer({ groupId: group() })
      await consumer.connect()
      await consumer.subscribe({ topics: [topic], fromBeginning: true })
      await consumer.run({
        autoCommit: false,
        eachBatch: async ({ batch }) => {
          for (const { value } of batch.messages) counter.add(value?.length ?? 0)
        },
      })
      await counter.done
      await consumer.disconnect()
    },
    async consumeEach(address, topic, counter) {
      const consumer = connect(address).consumer({ groupId: group() })
      await consumer.connect()
      await consumer.subscribe({ topics: [topic], fromBeginning: true })
      await consumer.run({
        autoCommit: false,
        eachMessage: async ({ message }) => {
          counter.add(message.value?.length ?? 0)
        },
      })
      await counter.done
      await consumer.disconnect()
    },
    async producer(address) {
      const producer = connect(address).producer()
      await producer.connect()
      return {
        sendBatch: (topic, values) =>
          producer.send({ topic, acks: -1, messages: values.map((value) => ({ value })) }),
        sendOne: (topic, value) => producer.send({ topic, acks: -1, messages: [{ value }] }),
        close: () => producer.disconnect(),
      }
    },
  }
}

async function platformatic(): Promise<Rival> {
  const { Consumer, MessagesStreamModes, Producer } = await import('@platformatic/kafka')
  const consume = async (address: string, topic: string, counter: Counter): Promise<void> => {
    const consumer = new Consumer({
      clientId: 'bench',
      groupId: group(),
      bootstrapBrokers: [address],
      // The default of 50 MB is several times slower.
      maxBytes: 1_048_576,
      autocommit: false,
    })
    const stream = await consumer.consume({ topics: [topic], mode: MessagesStreamModes.EARLIEST })
    stream.on('data', ({ value }: { readonly value: Buffer }) => counter.add(value.length))
    await counter.done
    await stream.close()
    await consumer.close()
  }
  return {
    name: '@platformatic/kafka',
    consumeBatches: consume,
    consumeEach: consume,
    async producer(address) {
      const producer = new Producer({ clientId: 'bench', bootstrapBrokers: [address] })
      return {
        sendBatch: (topic, values) =>
          producer.send({ acks: -1, messages: values.map((value) => ({ topic, value })) }),
        sendOne: (topic, value) => producer.send({ acks: -1, messages: [{ topic, value }] }),
        close: () => producer.close(),
      }
    },
  }
}

export const rivals: Readonly<Record<string, () => Promise<Rival>>> = {
  millrace,
  'millrace-iterator': millraceIterator,
  kafkats,
  'kafka-ts': kafkaTs,
  kafkajs,
  platformatic,
}
