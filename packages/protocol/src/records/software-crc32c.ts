// SPDX-License-Identifier: Apache-2.0

/** Reversed Castagnoli polynomial. */
const POLYNOMIAL = 0x82f63b78

/** Tables for eight bytes per step ("slicing by 8"), each of 256 entries, one after another. */
const tables = buildTables()

function buildTables(): Uint32Array {
  const built = new Uint32Array(8 * 256)
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? POLYNOMIAL : 0)
    built[byte] = crc
  }
  for (let at = 256; at < built.length; at++) {
    const previous = built[at - 256] ?? 0
    built[at] = (previous >>> 8) ^ (built[previous & 0xff] ?? 0)
  }
  return built
}

/** Reads a table entry; every index below is in range. */
function entry(index: number): number {
  return tables[index] as number
}

/** Computes the CRC-32C (Castagnoli) of `data` in JavaScript, unsigned. */
export function softwareCrc32c(data: Buffer): number {
  const end = data.length - (data.length % 8)
  let crc = 0xffffffff
  let at = 0
  for (; at < end; at += 8) {
    const low = crc ^ data.readUInt32LE(at)
    const high = data.readUInt32LE(at + 4)
    crc =
      entry(0x700 + (low & 0xff)) ^
      entry(0x600 + ((low >>> 8) & 0xff)) ^
      entry(0x500 + ((low >>> 16) & 0xff)) ^
      entry(0x400 + (low >>> 24)) ^
      entry(0x300 + (high & 0xff)) ^
      entry(0x200 + ((high >>> 8) & 0xff)) ^
      entry(0x100 + ((high >>> 16) & 0xff)) ^
      entry(high >>> 24)
  }
  for (; at < data.length; at++) crc = (crc >>> 8) ^ entry((crc ^ data.readUInt8(at)) & 0xff)
  return ~crc >>> 0
}
