// SPDX-License-Identifier: Apache-2.0
import type { ServerResponse } from 'node:http'
import { setImmediate as turn } from 'node:timers/promises'

/** Characters that are sent at once. */
const CHUNK_LENGTH = 64 * 1024

/**
 * Sends a JSON array, whose items are made as the client reads them: a list of large schemas is
 * never in memory as a whole, and others are served in between.
 */
export async function sendItems(response: ServerResponse, items: Iterable<unknown>): Promise<void> {
  let text = '['
  let isFirst = true
  for (const item of items) {
    text += (isFirst ? '' : ',') + JSON.stringify(item)
    isFirst = false
    if (text.length < CHUNK_LENGTH) continue
    const isTaken = response.write(text)
    text = ''
    await (isTaken ? turn() : drained(response))
    if (response.destroyed) return
  }
  response.end(`${text}]`)
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done)
      response.off('close', done)
      resolve()
    }
    response.once('drain', done)
    response.once('close', done)
    if (response.destroyed) done()
  })
}
