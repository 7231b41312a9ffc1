// SPDX-License-Identifier: Apache-2.0
import type { Channel } from '../channel.ts'
import { type ChannelSelectorContext, defineChannelSelector } from '../component.ts'
import { prefixed, splitWords, text, words } from '../config/keys.ts'
import { ChannelError } from '../errors.ts'

export const multiplexingSelector = defineChannelSelector({
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
        const found = (value === undefined ? undefined : optional.get(value)) ?? []
        // Required channels are not repeated.
        const taken = required(value)
        return found.filter((channel) => !taken.includes(channel))
      },
    }
  },
})

function pick(names: readonly string[], { channels }: ChannelSelectorContext): readonly Channel[] {
  return names.map((name) => {
    const channel = channels.get(name)
    if (channel === undefined) throw new ChannelError(`the source has no channel ${name}`)
    return channel
  })
}
