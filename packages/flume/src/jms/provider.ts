// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import { pathOf } from '../config/paths.ts'

/** `host:port` and other forms as a URL of AMQP. */
export function amqpUrlOf(address: string): string {
  return /^(amqps?|amqpwss?|failover):/.test(address) ? address : `amqp://${address}`
}

/** The first line of a file; undefined without one. */
export function readPassword(path: string | undefined, directory: string): string | undefined {
  if (path === undefined) return undefined
  return readFileSync(pathOf(path, directory), 'utf8').split(/\r?\n/)[0]?.trim()
}
