// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import { pathOf } from '../config/paths.ts'

/** `host:port` and other forms as an AMQP URL. */
export function amqpUrlOf(address: string): string {
  return /^(amqps?|amqpwss?|failover):/.test(address) ? address : `amqp://${address}`
}

/** First line of a file; undefined without a file. */
export function readPassword(path: string | undefined, directory: string): string | undefined {
  if (path === undefined) return undefined
  return readFileSync(pathOf(path, directory), 'utf8').split(/\r?\n/)[0]?.trim()
}
