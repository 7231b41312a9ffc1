// SPDX-License-Identifier: Apache-2.0

/** A row to print: a line of a table, or a JSON object. */
export type Row = Readonly<Record<string, unknown>>

function plain(_key: string, value: unknown): unknown {
  if (typeof value !== 'bigint') return value
  return value <= Number.MAX_SAFE_INTEGER && value >= Number.MIN_SAFE_INTEGER
    ? Number(value)
    : value.toString()
}

/** One line of JSON; 64-bit numbers are strings if a JSON number would not be exact. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, plain)
}

function cell(value: unknown): string {
  if (value === undefined || value === null || value === '') return '-'
  if (Array.isArray(value)) return value.length === 0 ? '-' : value.map(cell).join(',')
  if (typeof value === 'object') return toJson(value)
  return String(value)
}

/** Prints rows as aligned columns with headings, or as JSON lines. Numbers are right-aligned. */
export function printRows(rows: readonly Row[], { json }: { readonly json: boolean }): void {
  if (json) {
    for (const row of rows) process.stdout.write(`${toJson(row)}\n`)
    return
  }
  const [first] = rows
  if (first === undefined) return
  const names = Object.keys(first)
  const isNumeric = names.map((name) =>
    rows.every((row) => typeof row[name] === 'number' || typeof row[name] === 'bigint'),
  )
  const lines = [
    names.map((name) => name.replace(/([a-z])([A-Z])/g, '$1 $2').toUpperCase()),
    ...rows.map((row) => names.map((name) => cell(row[name]))),
  ]
  const widths = names.map((_, i) => Math.max(...lines.map((line) => line[i]?.length ?? 0)))
  for (const line of lines) {
    const text = line.map((each, i) =>
      isNumeric[i] ? each.padStart(widths[i] ?? 0) : each.padEnd(widths[i] ?? 0),
    )
    process.stdout.write(`${text.join('  ').trimEnd()}\n`)
  }
}

/** Prints the outcome of a command: a sentence for people, or an object for programs. */
export function report(sentence: string, fields: Row, { json }: { readonly json: boolean }): void {
  process.stdout.write(`${json ? toJson(fields) : sentence}\n`)
}
