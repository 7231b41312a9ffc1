// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'

export function median(list: readonly number[]): number {
  const sorted = list.toSorted((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  const [low = Number.NaN, high = low] = [sorted[Math.floor(middle)], sorted[Math.ceil(middle)]]
  return (low + high) / 2
}

/** Resident memory of a process, as reported by the kernel. */
export function residentMb(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024
}

/** A page with its prose wrapped at 100 columns; tables and headings are unchanged. */
export function wrapped(page: string): string {
  return page
    .split('\n')
    .map((line) => (/^[|#]/.test(line) ? line : line.replace(/(?=.{101})(.{1,100}) /g, '$1\n')))
    .join('\n')
}
