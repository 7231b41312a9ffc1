// SPDX-License-Identifier: Apache-2.0
import { defineChannel } from '../component.ts'
import { integer } from '../config/keys.ts'
import { MemoryChannel } from './memory-channel.ts'

/**
 * Flume's PseudoTxnMemoryChannel, for tests: puts and takes take effect at once and cannot be
 * rolled back.
 */
export const pseudoTransactionalChannel = defineChannel({
  type: 'pseudotxn',
  aliases: ['org.apache.flume.channel.PseudoTxnMemoryChannel'],
  about: 'memory without rollback: for tests, loses what a sink cannot deliver',
  keys: {
    capacity: integer(50, { min: 1 }),
    keepAlive: integer(3, { key: 'keep-alive', min: 0, isFloor: true }),
  },
  create({ capacity, keepAlive }, context) {
    const memory = new MemoryChannel(
      {
        capacity,
        keepAlive,
        transactionCapacity: capacity,
        byteCapacity: Number.POSITIVE_INFINITY,
      },
      context,
    )
    return {
      id: memory.id,
      isDurable: false,
      get size() {
        return memory.size
      },
      capacity,
      transactionCapacity: capacity,
      async put(events, options) {
        const put = await memory.put(events, options)
        await put.commit()
        return put
      },
      async take(maxEvents, options) {
        const taken = await memory.take(maxEvents, options)
        await taken?.commit()
        return taken
      },
    }
  },
})
