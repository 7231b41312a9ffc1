// SPDX-License-Identifier: Apache-2.0
import type { Channel } from '../channel.ts'
import { type ChannelSelectorContext, defineChannelSelector } from '../component.ts'
import { type CheckProblem, choice, prefixed, splitWords, text, words } from '../config/keys.ts'
import { ChannelError } from '../errors.ts'

const NONE: readonly Channel[] = []

function pick(names: readonly string[], { channels }: ChannelSelectorContext): readonly Channel[] {
  return names.map((name) => {
    const channel = channels.get(name)
    if (channel === undefined) throw new ChannelError(`the source has no channel ${name}`)
    return channel
  })
}

/** Names in a selector have to be channels of the source. */
export function unknownChannels(
  key: string,
  names: readonly string[],
  known: readonly string[],
): CheckProblem[] {
  return names
    .filter((name) => !known.includes(name))
    .map((name) => ({
      key,
      message: `names channel ${name}, which the source does not have; it has ${known.join(', ')}`,
    }))
}

const replicating = defineChannelSelector({
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

const multiplexing = defineChannelSelector({
  type: 'multiplexing',
  aliases: ['org.apache.flume.channel.MultiplexingChannelSelector'],
  about: 'the value of a header says which channels',
  keys: {
    header: text('flume.selector.header'),
    default: words(),
    mapping: prefixed('mapping.'),
    optional: prefixed('optional.'),
  },
  create(config, context) {
    const { header } = config
    const lists = (map: ReadonlyMap<string, string>) =>
      new Map([...map].map(([value, names]) => [value, pick(splitWords(names), context)]))
    const mapping = lists(config.mapping)
    const optional = lists(config.optional)
    const fallback = pick(config.default, context)
    const required = (value: string | undefined): readonly Channel[] =>
      (value === undefined ? undefined : mapping.get(value)) ?? fallback
    return {
      isUniform: false,
      required: (event) => required(event?.headers[header]),
      optional(event) {
        const value = event?.headers[header]
        const found = (value === undefined ? undefined : optional.get(value)) ?? NONE
        // What is required need not be tried twice.
        const taken = required(value)
        return found.filter((channel) => !taken.includes(channel))
      },
    }
  },
})

const loadBalancing = defineChannelSelector({
  type: 'load_balancing',
  aliases: ['org.apache.flume.channel.LoadBalancingChannelSelector'],
  about: 'every event goes to one channel, in turn or at random',
  keys: { policy: choice(['round_robin', 'random'], 'round_robin') },
  create({ policy }, { channels, world }) {
    const each = [...channels.values()].map((channel) => [channel] as const)
    let turn = -1
    const next = (): readonly Channel[] => {
      turn = policy === 'random' ? world.random.integer(each.length) : (turn + 1) % each.length
      return each[turn] as readonly Channel[]
    }
    return { isUniform: false, required: next, optional: () => NONE }
  },
})

export const channelSelectors = [replicating, multiplexing, loadBalancing] as const
