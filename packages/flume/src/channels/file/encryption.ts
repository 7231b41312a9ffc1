// SPDX-License-Identifier: Apache-2.0
import { createCipheriv, createDecipheriv } from 'node:crypto'
import { MalformedInputError, type Random } from '@millrace/base'

const IV_SIZE = 16

/** Encrypts with the active key and decrypts with the key that was used. */
export interface Cipher {
  encrypt(plain: Buffer): Buffer
  decrypt(secret: Buffer): Buffer
}

/**
 * AES in counter mode (Flume's AESCTRNOPADDING). Each payload contains the name of its key and its
 * own initial counter; frames have a checksum.
 */
export function aesCtr(
  keys: ReadonlyMap<string, Buffer>,
  activeKey: string,
  random: Random,
): Cipher {
  const active = keys.get(activeKey) as Buffer
  const name = Buffer.from(activeKey)
  return {
    encrypt(plain) {
      const iv = random.bytes(IV_SIZE)
      const cipher = createCipheriv(`aes-${active.length * 8}-ctr`, active, iv)
      return Buffer.concat([Buffer.of(name.length), name, iv, cipher.update(plain), cipher.final()])
    },
    decrypt(secret) {
      const nameEnd = 1 + (secret[0] ?? 0)
      const keyName = secret.toString('utf8', 1, nameEnd)
      const key = keys.get(keyName)
      if (key === undefined) {
        throw new MalformedInputError(
          `written with key ${JSON.stringify(keyName)}, which is not among encryption.keyProvider.keys (${[...keys.keys()].join(', ')})`,
        )
      }
      const iv = secret.subarray(nameEnd, nameEnd + IV_SIZE)
      const decipher = createDecipheriv(`aes-${key.length * 8}-ctr`, key, iv)
      return Buffer.concat([decipher.update(secret.subarray(nameEnd + IV_SIZE)), decipher.final()])
    },
  }
}
