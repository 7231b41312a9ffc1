// SPDX-License-Identifier: Apache-2.0
import { defineChannelSelector } from '../component.ts'
import { words } from '../config/keys.ts'

export const replicatingSelector = defineChannelSelector({
  type: 'replicating',
  aliases: ['org.apache.flume.channel.ReplicatingChannelSelector'],
  about: 'every event goes to every channel',
  keys: { optional: words() },
  create(config, context) {
    // Names of other channels have no effect, as in Flume.
    const optional = config.optional.flatMap((name) => context.channels.get(name) ?? [])
    const required = [...context.channels.values()].filter((each) => !optional.includes(each))
    return { isUniform: true, required: () => required, optional: () => optional }
  },
})
