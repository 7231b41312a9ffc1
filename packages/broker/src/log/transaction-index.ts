// SPDX-License-Identifier: Apache-2.0
import type { FileSystem } from '@millrace/base'
import { storeIndex } from './offset-index.ts'

const ENTRY_SIZE = 34

export interface AbortedTransaction {
  readonly producerId: bigint
  readonly firstOffset: bigint
  /** Offset of the abort marker. */
  readonly lastOffset: bigint
  /** Last stable offset when the marker was written. */
  readonly lastStableOffset: bigint
}

export function encodeAbortedTransactions(transactions: readonly AbortedTransaction[]): Buffer {
  const data = Buffer.alloc(transactions.length * ENTRY_SIZE)
  transactions.forEach((transaction, i) => {
    const at = i * ENTRY_SIZE
    data.writeBigInt64BE(transaction.producerId, at + 2)
    data.writeBigInt64BE(transaction.firstOffset, at + 10)
    data.writeBigInt64BE(transaction.lastOffset, at + 18)
    data.writeBigInt64BE(transaction.lastStableOffset, at + 26)
  })
  return data
}

export function decodeAbortedTransactions(data: Buffer): AbortedTransaction[] {
  const transactions: AbortedTransaction[] = []
  for (let at = 0; at + ENTRY_SIZE <= data.length; at += ENTRY_SIZE) {
    transactions.push({
      producerId: data.readBigInt64BE(at + 2),
      firstOffset: data.readBigInt64BE(at + 10),
      lastOffset: data.readBigInt64BE(at + 18),
      lastStableOffset: data.readBigInt64BE(at + 26),
    })
  }
  return transactions
}

export function storeAbortedTransactions(
  fs: FileSystem,
  path: string,
  transactions: readonly AbortedTransaction[],
): void {
  if (transactions.length === 0) fs.remove(path)
  else storeIndex(fs, path, encodeAbortedTransactions(transactions))
}
