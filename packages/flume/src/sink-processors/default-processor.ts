// SPDX-License-Identifier: Apache-2.0
import { defineSinkProcessor } from '../component.ts'
import { DeliveryError } from '../errors.ts'

export const defaultProcessor = defineSinkProcessor({
  type: 'default',
  aliases: ['org.apache.flume.sink.DefaultSinkProcessor'],
  about: 'one sink',
  keys: {},
  create(_config, { sinks }) {
    const [only] = sinks
    if (only === undefined || sinks.length > 1) {
      throw new DeliveryError('the default processor takes one sink; use failover or load_balance')
    }
    return only
  },
})
