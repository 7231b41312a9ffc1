// SPDX-License-Identifier: Apache-2.0
import { createHash, timingSafeEqual } from 'node:crypto'
import { ByteReader, MalformedInputError } from '@millrace/base'
import { derValue } from './der.ts'
import { readJavaObject } from './java-object.ts'

const JKS = 0xfeedfeed
const JCEKS = 0xcececece

/** An entry of a Java key store. */
export type KeystoreEntry =
  | {
      readonly kind: 'private-key'
      readonly alias: string
      /** The key as PKCS#8 in DER. Throws `MalformedInputError` for a wrong password. */
      openKey(password: string): Buffer
      /** X.509 certificates in DER, the key's own first. */
      readonly chain: readonly Buffer[]
    }
  | { readonly kind: 'certificate'; readonly alias: string; readonly certificate: Buffer }
  | { readonly kind: 'secret-key'; readonly alias: string; readonly sealed: unknown }

/** Whether these bytes are a key store of type JKS or JCEKS. */
export function isJavaKeystore(bytes: Buffer): boolean {
  return bytes.length >= 4 && [JKS, JCEKS].includes(bytes.readUInt32BE(0))
}

/** Reads a JKS or JCEKS file. As in Java, its integrity is checked if there is a password. */
export function readKeystore(bytes: Buffer, password: string | undefined): KeystoreEntry[] {
  if (!isJavaKeystore(bytes)) throw new MalformedInputError('it is not a JKS or JCEKS key store')
  const end = bytes.length - 20
  if (end < 12) throw new MalformedInputError('the file is cut short')
  if (password !== undefined) checkDigest(bytes, end, password)
  const reader = new ByteReader(bytes, 4, end)
  const version = reader.int32()
  if (version !== 2) throw new MalformedInputError(`key stores of version ${version} are not known`)
  const entries: KeystoreEntry[] = []
  for (let left = reader.int32(); left > 0; left--) entries.push(readEntry(reader, bytes))
  return entries
}

function checkDigest(bytes: Buffer, end: number, password: string): void {
  const digest = createHash('sha1')
    .update(Buffer.from(password, 'utf16le').swap16())
    .update('Mighty Aphrodite')
    .update(bytes.subarray(0, end))
    .digest()
  if (!timingSafeEqual(digest, bytes.subarray(end))) {
    throw new MalformedInputError('the password is wrong, or the file is damaged')
  }
}

function readEntry(reader: ByteReader, bytes: Buffer): KeystoreEntry {
  const tag = reader.int32()
  const alias = reader.utf8(reader.uint16())
  reader.skip(8)
  switch (tag) {
    case 1: {
      const protectedKey = reader.bytes(reader.int32())
      const chain: Buffer[] = []
      for (let left = reader.int32(); left > 0; left--) chain.push(readCertificate(reader))
      const openKey = (password: string): Buffer => openPrivateKey(protectedKey, password)
      return { kind: 'private-key', alias, openKey, chain }
    }
    case 2:
      return { kind: 'certificate', alias, certificate: readCertificate(reader) }
    case 3: {
      const { value, end } = readJavaObject(bytes, reader.offset)
      reader.offset = end
      return { kind: 'secret-key', alias, sealed: value }
    }
    default:
      throw new MalformedInputError(`entry ${alias} is of an unknown kind (${tag})`)
  }
}

function readCertificate(reader: ByteReader): Buffer {
  const type = reader.utf8(reader.uint16())
  if (type !== 'X.509') throw new MalformedInputError(`certificates of type ${type} are not known`)
  return reader.bytes(reader.int32())
}

/**
 * Decrypts a private key of a JKS file (Sun's scheme, OID 1.3.6.1.4.1.42.2.17.1.1) to PKCS#8 in
 * DER.
 */
function openPrivateKey(protectedKey: Buffer, password: string): Buffer {
  const secret = lastOctetString(protectedKey)
  const salt = secret.subarray(0, 20)
  const cipher = secret.subarray(20, secret.length - 20)
  const passwordBytes = Buffer.from(password, 'utf16le').swap16()
  const plain = Buffer.alloc(cipher.length)
  let key = salt
  for (let i = 0; i < cipher.length; i += 20) {
    key = createHash('sha1').update(passwordBytes).update(key).digest()
    for (let j = 0; j < 20 && i + j < cipher.length; j++) {
      plain[i + j] = (cipher[i + j] as number) ^ (key[j] as number)
    }
  }
  const check = createHash('sha1').update(passwordBytes).update(plain).digest()
  if (!check.equals(secret.subarray(secret.length - 20))) {
    throw new MalformedInputError("the key's password is wrong")
  }
  return plain
}

/** SEQUENCE { SEQUENCE algorithm, OCTET STRING data }: the data. */
function lastOctetString(der: Buffer): Buffer {
  const outer = derValue(der, 0)
  const algorithm = derValue(der, outer.start)
  const data = derValue(der, algorithm.end)
  return der.subarray(data.start, data.end)
}
