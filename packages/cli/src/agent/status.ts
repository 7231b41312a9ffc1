// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { elementAt, isLoopback, systemErrorCode } from '@millrace/base'
import type { ParsedOptions } from '../options.ts'
import { UsageError } from '../usage-error.ts'

interface Status {
  readonly agent: string
  readonly pid: number
  readonly upMs: number
  readonly residentBytes: number
  readonly sources: readonly {
    readonly name: string
    readonly type: string
    readonly channels: readonly string[]
  }[]
  readonly channels: readonly { readonly name: string; readonly type: string }[]
  readonly sinks: readonly {
    readonly name: string
    readonly type: string
    readonly channel: string
  }[]
  readonly metrics: Readonly<Record<string, Readonly<Record<string, number | string>>>>
}

const SAMPLE_MS = 1000

/** Sends a request to an agent's interface; rejects with a `UsageError` if there is no reply. */
export async function askAgent(
  address: string,
  path: string,
  parsed: ParsedOptions,
): Promise<Response> {
  const authorization = authorizationOf(parsed)
  const headers: Record<string, string> = authorization === undefined ? {} : { authorization }
  const url = /^https?:\/\//.test(address) ? address : `http://${address}`
  if (authorization !== undefined) warnOfPlainHttp(url)
  try {
    const response = await fetch(`${url}${path}`, { headers, redirect: 'error' })
    if (response.ok) return response
    throw new UsageError(`${address}: ${(await response.text()).trim()}`)
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError(`no agent at ${address}`)
  }
}

/** Credentials of the command line, as an HTTP header. */
function authorizationOf(parsed: ParsedOptions): string | undefined {
  const [tokenFile, user] = [parsed.value('token-file'), parsed.value('user')]
  const passwordFile = parsed.value('password-file')
  if (tokenFile !== undefined && user !== undefined) {
    throw new UsageError('only one of --token-file and --user')
  }
  if ((user === undefined) !== (passwordFile === undefined)) {
    throw new UsageError('--user and --password-file need each other')
  }
  if (tokenFile !== undefined) return `Bearer ${secretIn('token-file', tokenFile)}`
  if (user === undefined || passwordFile === undefined) return undefined
  const pair = `${user}:${secretIn('password-file', passwordFile)}`
  return `Basic ${Buffer.from(pair).toString('base64')}`
}

const warned = new Set<string>()

/** Warns once if credentials are sent to another machine without encryption. */
function warnOfPlainHttp(url: string): void {
  const { protocol, hostname, host } = new URL(url)
  if (protocol === 'https:' || isLoopback(hostname.replace(/^\[(.*)\]$/, '$1'))) return
  if (warned.has(host)) return
  warned.add(host)
  process.stderr.write(
    `millrace: credentials are sent to ${host} without encryption; use https:// and --metrics-tls\n`,
  )
}

function secretIn(option: 'token-file' | 'password-file', file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    throw new UsageError(`cannot read --${option} ${file}: ${systemErrorCode(error) ?? error}`)
  }
}

async function statusOf(address: string, parsed: ParsedOptions): Promise<Status> {
  return (await (await askAgent(address, '/status', parsed)).json()) as Status
}

/** Prints the components of agents with rates per second; with `--watch` repeatedly. */
export async function showStatus(
  addresses: readonly string[],
  parsed: ParsedOptions,
): Promise<void> {
  const all = () => Promise.all(addresses.map((address) => statusOf(address, parsed)))
  let before = await all()
  if (parsed.has('json')) {
    for (const each of before) process.stdout.write(`${JSON.stringify(each)}\n`)
    return
  }
  do {
    const began = performance.now()
    await sleep(SAMPLE_MS)
    const after = await all()
    const seconds = (performance.now() - began) / 1000
    if (parsed.has('watch')) process.stdout.write('\x1b[2J\x1b[H')
    after.forEach((status, index) => {
      process.stdout.write(`${describe(status, elementAt(before, index), seconds).join('\n')}\n\n`)
    })
    before = after
  } while (parsed.has('watch'))
}

function describe(status: Status, before: Status, seconds: number): string[] {
  const value = (of: Status, key: string, name: string): number =>
    Number(of.metrics[key]?.[name] ?? 0)
  const rate = (key: string, name: string): string => {
    const perSecond = (value(status, key, name) - value(before, key, name)) / seconds
    return `${Math.round(perSecond).toLocaleString('en-US')}/s`
  }
  const rows = [['', 'type', 'events', 'now', 'failures']]
  for (const { name, type, channels } of status.sources) {
    const key = `SOURCE.${name}`
    rows.push([
      `source ${name} → ${channels.join(', ')}`,
      type,
      value(status, key, 'EventAcceptedCount').toLocaleString('en-US'),
      rate(key, 'EventAcceptedCount'),
      String(value(status, key, 'ChannelWriteFail') + value(status, key, 'EventReadFail')),
    ])
  }
  for (const { name, type } of status.channels) {
    const key = `CHANNEL.${name}`
    const size = value(status, key, 'ChannelSize')
    const percent = value(status, key, 'ChannelFillPercentage')
    rows.push([
      `channel ${name}`,
      type,
      `${size.toLocaleString('en-US')} waiting`,
      `${percent.toFixed(percent > 0 && percent < 10 ? 1 : 0)}% full`,
      '',
    ])
  }
  for (const { name, type, channel } of status.sinks) {
    const key = `SINK.${name}`
    rows.push([
      `sink ${channel} → ${name}`,
      type,
      value(status, key, 'EventDrainSuccessCount').toLocaleString('en-US'),
      rate(key, 'EventDrainSuccessCount'),
      String(value(status, key, 'EventWriteFail')),
    ])
  }
  const widths = [0, 1, 2, 3, 4].map((column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  )
  const up = Math.round(status.upMs / 1000)
  const megabytes = Math.round(status.residentBytes / 1e6)
  return [
    `agent ${status.agent} (pid ${status.pid}, up ${up} s, ${megabytes} MB)`,
    ...rows.map((row) =>
      `  ${row.map((cell, column) => (column < 2 ? cell.padEnd(elementAt(widths, column)) : cell.padStart(elementAt(widths, column)))).join('  ')}`.trimEnd(),
    ),
  ]
}
