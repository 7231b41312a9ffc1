// SPDX-License-Identifier: Apache-2.0
import { crc32c as native } from '@node-rs/crc32'

/** CRC-32C (Castagnoli) of `data`, unsigned. */
export function crc32c(data: Buffer): number {
  return native(data)
}
