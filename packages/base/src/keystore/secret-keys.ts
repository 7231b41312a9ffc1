// SPDX-License-Identifier: Apache-2.0
import { createDecipheriv, createHash } from 'node:crypto'
import { MalformedInputError } from '@millrace/base'
import { derValue } from './der.ts'
import { readKeystore } from './java-keystore.ts'
import { type JavaObject, readJavaObject } from './java-object.ts'

/**
 * AES keys of a JCEKS file, by alias, as created by `keytool -genseckey -storetype JCEKS`.
 * `passwords` has the aliases to read with their passwords.
 */
export function secretKeysOf(
  bytes: Buffer,
  storePassword: string,
  passwords: ReadonlyMap<string, string>,
): Map<string, Buffer> {
  const entries = readKeystore(bytes, storePassword)
  return new Map(
    [...passwords].map(([alias, password]) => {
      // Key stores keep aliases in lower case.
      const entry = entries.find((each) => each.alias === alias.toLowerCase())
      if (entry?.kind !== 'secret-key') {
        const known = entries.map((each) => each.alias).join(', ')
        throw new MalformedInputError(
          `there is no secret key ${alias}; there is ${known || 'none'}`,
        )
      }
      return [alias, unseal(alias, entry.sealed as JavaObject, password)]
    }),
  )
}

function unseal(alias: string, { fields }: JavaObject, password: string): Buffer {
  const { encodedParams, encryptedContent } = fields
  if (!(encodedParams instanceof Buffer && encryptedContent instanceof Buffer)) {
    throw new MalformedInputError(`key ${alias} is not sealed as it should be`)
  }
  const { salt, iterations } = parameters(encodedParams)
  const { key, iv } = derive(password, salt, iterations)
  let plain: Buffer
  try {
    const cipher = createDecipheriv('des-ede3-cbc', key, iv)
    plain = Buffer.concat([cipher.update(encryptedContent), cipher.final()])
  } catch {
    throw new MalformedInputError(`the password of key ${alias} is wrong`)
  }
  const object = readJavaObject(plain, 0).value as JavaObject
  // The field is `key` in SecretKeySpec, `encoded` in KeyRep.
  const secret = object.fields.key ?? object.fields.encoded
  if (!(secret instanceof Buffer) || ![16, 24, 32].includes(secret.length)) {
    throw new MalformedInputError(`key ${alias} is not an AES key of 128, 192 or 256 bits`)
  }
  return Buffer.from(secret)
}

/** SEQUENCE { OCTET STRING salt, INTEGER iterations }. */
function parameters(der: Buffer): { readonly salt: Buffer; readonly iterations: number } {
  const outer = derValue(der, 0)
  const salt = derValue(der, outer.start)
  const iterations = derValue(der, salt.end)
  return {
    salt: der.subarray(salt.start, salt.end),
    iterations: der.readUIntBE(iterations.start, iterations.end - iterations.start),
  }
}

/**
 * PBEWithMD5AndTripleDES of the SunJCE provider: each half of the salt is hashed with the password.
 */
function derive(
  password: string,
  given: Buffer,
  iterations: number,
): { readonly key: Buffer; readonly iv: Buffer } {
  const salt = Buffer.from(given)
  if (salt.subarray(0, 4).equals(salt.subarray(4, 8))) {
    // Reproduces an error of the provider, which was meant to reverse the first half.
    for (let i = 0; i < 2; i++) {
      const byte = salt[i] as number
      salt[i] = salt[3 - i] as number
      salt[3 - 1] = byte
    }
  }
  const passwordBytes = Buffer.from(password, 'latin1')
  const derived = [0, 1].map((half) => {
    let hash: Buffer = salt.subarray(half * 4, half * 4 + 4)
    for (let i = 0; i < iterations; i++) {
      hash = createHash('md5').update(hash).update(passwordBytes).digest()
    }
    return hash
  })
  const all = Buffer.concat(derived)
  return { key: all.subarray(0, 24), iv: all.subarray(24, 32) }
}
