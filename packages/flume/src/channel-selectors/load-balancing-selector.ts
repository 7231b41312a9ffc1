// SPDX-License-Identifier: Apache-2.0
import { elementAt } from '@millrace/base'
import type { Channel } from '../channel.ts'
import { defineChannelSelector } from '../component.ts'
import { choice } from '../config/keys.ts'

export const loadBalancingSelector = defineChannelSelector({
  type: 'load_balancing',
  aliases: ['org.apache.flume.channel.LoadBalancingChannelSelector'],
  about: 'every event goes to one channel, in turn or at random',
  keys: { policy: choice(['round_robin', 'random'], 'round_robin') },
  create({ policy }, { channels, world }) {
    const each = [...channels.values()].map((channel) => [channel] as const)
    let turn = -1
    const next = (): readonly Channel[] => {
      turn = policy === 'random' ? world.random.integer(each.length) : (turn + 1) % each.length
      return elementAt(each, turn)
    }
    return { isUniform: false, required: next, optional: () => [] }
  },
})
