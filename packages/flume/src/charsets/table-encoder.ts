// SPDX-License-Identifier: Apache-2.0

const encoders = new Map<string, (text: string) => Buffer>()
const QUESTION_MARK = Buffer.from('?')

/**
 * Encodes into a legacy encoding of the Encoding Standard, which JavaScript can only decode: on
 * first use, all sequences of one to three bytes are decoded into a table.
 */
export function tableEncoder(encoding: string): (text: string) => Buffer {
  let encoder = encoders.get(encoding)
  if (encoder === undefined) {
    let table: ReadonlyMap<string, Buffer> | undefined
    encoder = (text) => {
      table ??= tableOf(encoding)
      const known = table
      return Buffer.concat(Array.from(text, (character) => known.get(character) ?? QUESTION_MARK))
    }
    encoders.set(encoding, encoder)
  }
  return encoder
}

function tableOf(encoding: string): ReadonlyMap<string, Buffer> {
  const decoder = new TextDecoder(encoding, { fatal: true, ignoreBOM: true })
  const table = new Map<string, Buffer>()
  const add = (...bytes: number[]): boolean => {
    try {
      const character = decoder.decode(Uint8Array.from(bytes))
      // A sequence may decode to two characters.
      const isSingle = [...character].length === 1
      if (isSingle && !table.has(character)) table.set(character, Buffer.from(bytes))
      return character !== ''
    } catch {
      return false
    }
  }
  const leads: number[] = []
  for (let first = 0; first < 256; first++) if (!add(first)) leads.push(first)
  for (const first of leads) {
    for (let second = 0x40; second < 256; second++) add(first, second)
  }
  // The second plane of EUC-JP.
  if (encoding === 'euc-jp') {
    for (let second = 0xa1; second < 0xff; second++) {
      for (let third = 0xa1; third < 0xff; third++) add(0x8f, second, third)
    }
  }
  return table
}
