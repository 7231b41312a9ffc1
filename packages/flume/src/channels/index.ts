// SPDX-License-Identifier: Apache-2.0
import { fileChannel } from './file/file-channel-keys.ts'
import { kafkaChannel } from './kafka-channel.ts'
import { memoryChannel } from './memory-channel.ts'
import { pseudoTransactionalChannel } from './pseudo-transactional-channel.ts'
import { spillableMemoryChannel } from './spillable-memory-channel.ts'

export const channels = [
  memoryChannel,
  fileChannel,
  kafkaChannel,
  spillableMemoryChannel,
  pseudoTransactionalChannel,
] as const
