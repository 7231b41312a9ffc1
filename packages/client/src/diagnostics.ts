// SPDX-License-Identifier: Apache-2.0
import { channel } from 'node:diagnostics_channel'

/**
 * What can be observed through `node:diagnostics_channel`. Without a subscriber a channel costs
 * nothing.
 *
 * | channel | message |
 * | --- | --- |
 * | `millrace:client:connect` | `{ address }` |
 * | `millrace:client:disconnect` | `{ address, error }` |
 * | `millrace:client:request` | `{ api, version, address, durationMs, responseBytes }` |
 * | `millrace:producer:send` | `{ records, topic, clientId }`, before records are serialized; `records` may be replaced, as by copies with more headers |
 * | `millrace:producer:batch` | `{ topic, partition, recordCount, bytes, durationMs, error }` |
 * | `millrace:consumer:fetch` | `{ node, topics, durationMs }`: `topics` counts those that had something |
 * | `millrace:consumer:process:start`, `…:end` | `{ record` or `batch, groupId, error }`, the same object twice, around a handler of `run` |
 * | `millrace:consumer:rebalance` | `{ groupId, generationId, assigned, revoked }` |
 */
export const channels = {
  connect: channel('millrace:client:connect'),
  disconnect: channel('millrace:client:disconnect'),
  request: channel('millrace:client:request'),
  send: channel('millrace:producer:send'),
  batch: channel('millrace:producer:batch'),
  fetch: channel('millrace:consumer:fetch'),
  processStart: channel('millrace:consumer:process:start'),
  processEnd: channel('millrace:consumer:process:end'),
  rebalance: channel('millrace:consumer:rebalance'),
} as const
