// SPDX-License-Identifier: Apache-2.0
import { defineSink } from '../component.ts'
import { ignored, integer } from '../config/keys.ts'

export const nullSink = defineSink({
  type: 'null',
  aliases: ['org.apache.flume.sink.NullSink'],
  about: 'drops everything',
  keys: {
    batchSize: integer(100, { min: 1 }),
    logEveryNEvents: ignored('`millrace agent status` shows rates'),
  },
  create: ({ batchSize }) => ({ batchSize, process: async () => {} }),
})
