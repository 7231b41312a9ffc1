// SPDX-License-Identifier: Apache-2.0
import { MalformedInputError } from '@millrace/base'

/** RFC 2268, section 2: a permutation from the digits of pi. */
const PI_TABLE = Buffer.from(
  'd978f9c419ddb5ed28e9fd794aa0d89dc67e37832b76538e624c6488448bfba2' +
    '179a59f587b34f1361456d8d09817d32bd8f40eb86b77b0bf09521225c6b4e82' +
    '54d66593ce60b21c7356c014a78cf1dc1275ca1f3bbee4d1423dd430a33cb626' +
    '6fbf0eda4669075727f21d9bbc944303f811c7f690ef3ee706c3d52fc8661ed7' +
    '08e8eade8052eef784aa72ac354d6a2a961ad2715a1549744b9fd05e0418a4ec' +
    'c2e0416e0f51cbcc2491af50a1f47039997c3a8523b8b47afc02365b25559731' +
    '2d5dfa98e38a92ae05df2910676cbac9d300e6cfe19ea82c6316013f58e289a9' +
    '0d38341bab33ffb0bb480c5fb9b1cd2ec5f3db47e5a59c770aa62068fe7fc1ad',
  'hex',
)

/** Section 2: the 64 words of the expanded key. */
function expand(key: Buffer, bits: number): Uint16Array {
  const bytes = Buffer.alloc(128)
  key.copy(bytes)
  const table = (at: number): number => PI_TABLE[at & 0xff] as number
  for (let i = key.length; i < 128; i++) {
    bytes[i] = table((bytes[i - 1] as number) + (bytes[i - key.length] as number))
  }
  const size = Math.ceil(bits / 8)
  const mask = 0xff >> (8 * size - bits)
  bytes[128 - size] = table((bytes[128 - size] as number) & mask)
  for (let i = 127 - size; i >= 0; i--) {
    bytes[i] = table((bytes[i + 1] as number) ^ (bytes[i + size] as number))
  }
  return Uint16Array.from({ length: 64 }, (_, i) => bytes.readUInt16LE(i * 2))
}

const ROTATIONS = [1, 2, 3, 5] as const

/** Section 4: one block of 8 bytes. */
function decryptBlock(words: Uint16Array, block: Buffer): Buffer {
  const r = [0, 2, 4, 6].map((at) => block.readUInt16LE(at))
  const word = (i: number): number => r[((i % 4) + 4) % 4] as number
  let j = 63
  const mix = (): void => {
    for (let i = 3; i >= 0; i--) {
      const turn = ROTATIONS[i] as number
      const value = word(i)
      const rotated = ((value >>> turn) | (value << (16 - turn))) & 0xffff
      const sum =
        (words[j--] as number) + (word(i - 1) & word(i - 2)) + (~word(i - 1) & 0xffff & word(i - 3))
      r[i] = (rotated - sum) & 0xffff
    }
  }
  const mash = (): void => {
    for (let i = 3; i >= 0; i--) {
      r[i] = (word(i) - (words[word(i - 1) & 63] as number)) & 0xffff
    }
  }
  for (let round = 0; round < 5; round++) mix()
  mash()
  for (let round = 0; round < 6; round++) mix()
  mash()
  for (let round = 0; round < 5; round++) mix()
  const plain = Buffer.alloc(8)
  for (const [i, value] of r.entries()) plain.writeUInt16LE(value, i * 2)
  return plain
}

/**
 * RC2 in CBC mode with PKCS#7 padding, for key stores of Java 8 and 11; OpenSSL 3 no longer has it.
 * Throws `MalformedInputError` for a wrong key.
 */
export function decryptRc2(key: Buffer, bits: number, iv: Buffer, data: Buffer): Buffer {
  if (data.length === 0 || data.length % 8 !== 0) {
    throw new MalformedInputError('RC2 data is not a number of blocks')
  }
  const words = expand(key, bits)
  const plain = Buffer.alloc(data.length)
  for (let at = 0; at < data.length; at += 8) {
    const block = decryptBlock(words, data.subarray(at, at + 8))
    const previous = at === 0 ? iv : data.subarray(at - 8, at)
    for (let i = 0; i < 8; i++) plain[at + i] = (block[i] as number) ^ (previous[i] as number)
  }
  const padding = plain.at(-1) ?? 0
  const isPadded =
    padding >= 1 && padding <= 8 && plain.subarray(-padding).every((byte) => byte === padding)
  if (!isPadded) throw new MalformedInputError('the password is wrong')
  return plain.subarray(0, plain.length - padding)
}
