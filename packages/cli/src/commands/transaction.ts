// SPDX-License-Identifier: Apache-2.0
import { connectionOptions, openAdmin } from '../client/connection.ts'
import { printRows, report } from '../client/output.ts'
import type { Command } from '../command.ts'
import { UsageError } from '../usage-error.ts'

const list: Command = {
  name: 'list',
  summary: 'lists transactional ids with the states of their transactions',
  options: {
    ...connectionOptions,
    state: {
      value: 'STATE',
      multiple: true,
      help: 'only ids in this state, such as Ongoing; may be repeated',
    },
    'min-duration': {
      value: 'MS',
      help: 'only transactions open for at least this many milliseconds',
    },
  },
  async run(parsed) {
    const minimum = parsed.value('min-duration')
    if (minimum !== undefined && !/^\d+$/.test(minimum)) {
      throw new UsageError(`invalid --min-duration ${minimum}: expected a whole number`)
    }
    await using admin = openAdmin(parsed)
    const listed = await admin.listTransactions({
      states: parsed.values('state'),
      ...(minimum === undefined ? {} : { minDurationMs: Number(minimum) }),
    })
    printRows(
      listed.map(({ transactionalId, producerId, state }) => ({
        transaction: transactionalId,
        producer: producerId,
        state,
      })),
      { json: parsed.has('json') },
    )
    return 0
  },
}

const describe: Command = {
  name: 'describe',
  summary: 'shows transactions: producer, start time and partitions',
  positionals: ['ID...'],
  options: connectionOptions,
  async run(parsed) {
    await using admin = openAdmin(parsed)
    const described = await admin.describeTransactions(parsed.positionals)
    printRows(
      [...described].map(([transaction, each]) => ({
        transaction,
        producer: each.producerId,
        epoch: each.producerEpoch,
        state: each.state,
        timeoutMs: each.timeoutMs,
        since: each.startTimeMs < 0 ? null : new Date(each.startTimeMs).toISOString(),
        coordinator: each.coordinator,
        partitions: each.partitions.map(({ topic, partition }) => `${topic}-${partition}`),
      })),
      { json: parsed.has('json') },
    )
    return 0
  },
}

const abort: Command = {
  name: 'abort',
  summary: 'aborts open transactions: their producers are fenced, their records are aborted',
  positionals: ['ID...'],
  options: {
    ...connectionOptions,
    topic: {
      value: 'TOPIC:P',
      short: 't',
      help: 'aborts the oldest open transaction of one partition only, if no coordinator knows it; ID is then the producer id',
    },
  },
  details: `Examples:
  millrace transaction abort billing-1
  millrace transaction abort 4711 --topic orders:3`,
  async run(parsed) {
    await using admin = openAdmin(parsed)
    const json = parsed.has('json')
    const place = parsed.value('topic')
    for (const id of parsed.positionals) {
      if (place === undefined) await admin.forceTerminateTransaction(id)
      else await abortHanging(admin, id, place)
      report(`aborted ${id}`, { transaction: id, aborted: true }, { json })
    }
    return 0
  },
}

async function abortHanging(
  admin: ReturnType<typeof openAdmin>,
  id: string,
  place: string,
): Promise<void> {
  const [, topic = '', number = ''] = /^(.+):(\d+)$/.exec(place) ?? []
  if (topic === '') throw new UsageError(`invalid --topic ${place}: expected TOPIC:PARTITION`)
  const partition = Number(number)
  const producers = [...(await admin.describeProducers([{ topic, partition }])).values()].flat()
  const open = producers.find(
    ({ producerId, currentTransactionStartOffset: since }) =>
      String(producerId) === id && since >= 0n,
  )
  if (open === undefined) {
    throw new UsageError(`producer ${id} has no open transaction in ${topic}-${partition}`)
  }
  const { producerId, producerEpoch, coordinatorEpoch } = open
  await admin.abortTransaction({ topic, partition, producerId, producerEpoch, coordinatorEpoch })
}

/** `millrace transaction …` */
export const transaction: Command = {
  name: 'transaction',
  summary: 'lists, describes and aborts transactions',
  subcommands: [list, describe, abort],
}
