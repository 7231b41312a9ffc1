// SPDX-License-Identifier: Apache-2.0
import type { ComponentConfig, SinkConfig, SourceConfig } from './agent-config.ts'

/** A text that is equal for equal configurations of a component. */
export function fingerprint(config: ComponentConfig): string {
  const { name, type, properties, inline, ...rest } = config as ComponentConfig &
    Partial<SourceConfig>
  const entries = [...properties]
    .map(([key, { value }]) => [key, value] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1))
  return JSON.stringify({
    name,
    type,
    inline: inlineNumber(inline),
    entries,
    channels: rest.channels,
    channel: (config as Partial<SinkConfig>).channel,
    interceptors: rest.interceptors?.map(fingerprint),
    selector: rest.selector === undefined ? undefined : fingerprint(rest.selector),
  })
}

const inlineNumbers = new WeakMap<object, number>()
let inlineCount = 0

/** The same object is the same component. */
function inlineNumber(inline: unknown): number | undefined {
  if (typeof inline !== 'object' && typeof inline !== 'function') return undefined
  if (inline === null) return undefined
  const known = inlineNumbers.get(inline)
  if (known !== undefined) return known
  inlineNumbers.set(inline, ++inlineCount)
  return inlineCount
}
