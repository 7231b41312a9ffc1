// SPDX-License-Identifier: Apache-2.0
import type { ParsedOptions } from '../options.ts'
import { askAgent } from './status.ts'

interface Tapped {
  readonly dropped?: number
  readonly atMs: number
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  readonly bodyBase64?: string
  readonly lineage: readonly {
    readonly agent: string
    readonly source: string
    readonly host: string
    readonly atMs: number
  }[]
}

/**
 * Prints the events that pass a component, until interrupted or until the given number is reached.
 */
export async function followTap(
  address: string,
  component: string,
  parsed: ParsedOptions,
): Promise<void> {
  const response = await askAgent(address, `/tap/${encodeURIComponent(component)}`, parsed)
  const most = parsed.number('count', { min: 1 }) ?? Number.POSITIVE_INFINITY
  let seen = 0
  let rest = ''
  const decoder = new TextDecoder()
  for await (const chunk of response.body ?? []) {
    const lines = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const event = JSON.parse(line) as Tapped
      if (event.dropped !== undefined) {
        process.stderr.write(`${event.dropped} events were not shown: they passed too fast\n`)
        continue
      }
      process.stdout.write(
        `${parsed.has('json') ? line : describe(event, parsed.has('lineage'))}\n`,
      )
      seen++
      if (seen >= most) return
    }
  }
}

function describe(
  { atMs, headers, body, bodyBase64, lineage }: Tapped,
  showsLineage: boolean,
): string {
  const time = new Date(atMs).toISOString().slice(11, 23)
  const names = Object.entries(headers).map(([name, value]) => `${name}=${value}`)
  const text = body ?? `(base64) ${bodyBase64}`
  const line = `${time} ${names.length === 0 ? '' : `{${names.join(' ')}} `}${text}`
  if (!showsLineage) return line
  const way = lineage.map(
    (hop) =>
      `${hop.agent}.${hop.source} at ${hop.host} ${new Date(hop.atMs).toISOString().slice(11, 23)}`,
  )
  return `${line}\n             ${way.join(' → ')}`
}
