// SPDX-License-Identifier: Apache-2.0
import {
  createDecipheriv,
  createHash,
  createHmac,
  hash as oneShotHash,
  pbkdf2Sync,
  timingSafeEqual,
  X509Certificate,
} from 'node:crypto'
import { MalformedInputError } from '@millrace/base'
import { Der } from './der.ts'
import type { KeystoreEntry } from './java-keystore.ts'
import { decryptRc2 } from './rc2.ts'

const DATA = '1.2.840.113549.1.7.1'
const ENCRYPTED_DATA = '1.2.840.113549.1.7.6'
const BAG = '1.2.840.113549.1.12.10.1.'
const FRIENDLY_NAME = '1.2.840.113549.1.9.20'
const LOCAL_KEY_ID = '1.2.840.113549.1.9.21'
const PBES2 = '1.2.840.113549.1.5.13'
const PKCS12_PBE = '1.2.840.113549.1.12.1.'
const MAX_ITERATIONS = 5_000_000

const HASHES: Readonly<Record<string, 'sha1' | 'sha256' | 'sha384' | 'sha512'>> = {
  '1.3.14.3.2.26': 'sha1',
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
}
const PRFS: Readonly<Record<string, string>> = {
  '1.2.840.113549.2.7': 'sha1',
  '1.2.840.113549.2.9': 'sha256',
  '1.2.840.113549.2.10': 'sha384',
  '1.2.840.113549.2.11': 'sha512',
}
const CIPHERS: Readonly<Record<string, readonly [name: string, keySize: number]>> = {
  '2.16.840.1.101.3.4.1.2': ['aes-128-cbc', 16],
  '2.16.840.1.101.3.4.1.22': ['aes-192-cbc', 24],
  '2.16.840.1.101.3.4.1.42': ['aes-256-cbc', 32],
  '1.2.840.113549.3.7': ['des-ede3-cbc', 24],
}

/** Whether these bytes may be a PKCS#12 file: a DER sequence that begins with version 3. */
export function isPkcs12(bytes: Buffer): boolean {
  try {
    const version = new Der(bytes).part(0)
    return version.tag === 2 && version.integer === 3
  } catch {
    return false
  }
}

/**
 * Reads a PKCS#12 file (RFC 7292), the default of Java's keytool since Java 9, checks it with the
 * password and decrypts private keys. Throws `MalformedInputError` for a wrong password and for
 * unknown algorithms.
 */
export function readPkcs12(bytes: Buffer, given: string | undefined): KeystoreEntry[] {
  const [, authSafe, macData] = new Der(bytes).parts
  if (authSafe === undefined) throw new MalformedInputError('the file has no contents')
  const contents = contentOf(authSafe)
  const password = given ?? ''
  // As in Java, the integrity is not checked without a password.
  if (macData !== undefined && given !== undefined) checkMac(macData, contents, password)
  const bags = new Der(contents).parts.flatMap((info) => {
    const safe =
      info.part(0).oid === ENCRYPTED_DATA ? decryptedSafe(info, password) : contentOf(info)
    return [...new Der(safe).parts]
  })
  return entriesOf(bags, password)
}

/** The bytes of a ContentInfo of type data. */
function contentOf(info: Der): Buffer {
  const [type, content] = info.parts
  if (type?.oid !== DATA || content === undefined) {
    throw new MalformedInputError('the file is protected by a public key, not by a password')
  }
  return content.part(0).contents
}

function decryptedSafe(info: Der, password: string): Buffer {
  const encrypted = info.part(1).part(0).part(1)
  const [, algorithm, data] = encrypted.parts
  if (algorithm === undefined || data === undefined) {
    throw new MalformedInputError('encrypted data is missing')
  }
  return decrypt(algorithm, data.contents, password)
}

/** RFC 7292, section 4 and appendix A. */
function checkMac(macData: Der, contents: Buffer, password: string): void {
  const [digestInfo, salt, iterations] = macData.parts
  if (digestInfo === undefined || salt === undefined)
    throw new MalformedInputError('the MAC is damaged')
  const oid = digestInfo.part(0).part(0).oid
  const hash = HASHES[oid]
  if (hash === undefined) throw new MalformedInputError(`the MAC has an unknown algorithm (${oid})`)
  const size = createHash(hash).digest().length
  const count = iterations === undefined ? 1 : iterations.integer
  const key = derivePkcs12({ hash, password, salt: salt.contents, iterations: count, id: 3, size })
  const mac = createHmac(hash, key).update(contents).digest()
  const expected = digestInfo.part(1).contents
  if (mac.length !== expected.length || !timingSafeEqual(mac, expected)) {
    throw new MalformedInputError('the password is wrong, or the file is damaged')
  }
}

function decrypt(algorithm: Der, data: Buffer, password: string): Buffer {
  const oid = algorithm.part(0).oid
  if (oid === PBES2) return decryptPbes2(algorithm.part(1), data, password)
  if (oid.startsWith(PKCS12_PBE)) {
    return decryptPkcs12Pbe(oid.slice(PKCS12_PBE.length), algorithm.part(1), data, password)
  }
  throw new MalformedInputError(`the file is encrypted with an unknown algorithm (${oid})`)
}

/** RFC 8018, section 6.2. */
function decryptPbes2(parameters: Der, data: Buffer, password: string): Buffer {
  const kdf = parameters.part(0).part(1)
  const scheme = parameters.part(1)
  const [salt, iterations, ...rest] = kdf.parts
  const cipher = CIPHERS[scheme.part(0).oid]
  const prf = rest.find(({ tag }) => tag === 0x30)
  const digest = prf === undefined ? 'sha1' : PRFS[prf.part(0).oid]
  if (
    salt === undefined ||
    iterations === undefined ||
    cipher === undefined ||
    digest === undefined
  ) {
    throw new MalformedInputError(
      `the file is encrypted with an unknown cipher (${scheme.part(0).oid})`,
    )
  }
  const [name, keySize] = cipher
  const count = checkedIterations(iterations.integer)
  const key = pbkdf2Sync(Buffer.from(password), salt.contents, count, keySize, digest)
  return deciphered(name, key, scheme.part(1).contents, data)
}

/** RFC 7292, appendix C. */
function decryptPkcs12Pbe(kind: string, parameters: Der, data: Buffer, password: string): Buffer {
  const salt = parameters.part(0).contents
  const iterations = checkedIterations(parameters.part(1).integer)
  const derive = (id: number, size: number): Buffer =>
    derivePkcs12({ hash: 'sha1', password, salt, iterations, id, size })
  switch (kind) {
    case '3':
      return deciphered('des-ede3-cbc', derive(1, 24), derive(2, 8), data)
    case '4': {
      const key = derive(1, 16)
      const three = Buffer.concat([key, key.subarray(0, 8)])
      return deciphered('des-ede3-cbc', three, derive(2, 8), data)
    }
    case '5':
      return decryptRc2(derive(1, 16), 128, derive(2, 8), data)
    case '6':
      return decryptRc2(derive(1, 5), 40, derive(2, 8), data)
    default:
      throw new MalformedInputError(
        `the file is encrypted with an unknown cipher (${PKCS12_PBE}${kind})`,
      )
  }
}

function deciphered(cipher: string, key: Buffer, iv: Buffer, data: Buffer): Buffer {
  try {
    const decipher = createDecipheriv(cipher, key, iv)
    return Buffer.concat([decipher.update(data), decipher.final()])
  } catch {
    throw new MalformedInputError('the password is wrong')
  }
}

function checkedIterations(count: number): number {
  if (count >= 1 && count <= MAX_ITERATIONS) return count
  throw new MalformedInputError(`${count} iterations are too many`)
}

/** RFC 7292, appendix B.2. `id`: 1 for a key, 2 for an initial value, 3 for a MAC. */
function derivePkcs12(options: {
  readonly hash: 'sha1' | 'sha256' | 'sha384' | 'sha512'
  readonly password: string
  readonly salt: Buffer
  readonly iterations: number
  readonly id: number
  readonly size: number
}): Buffer {
  const { hash, salt, id, size } = options
  const blockSize = hash === 'sha384' || hash === 'sha512' ? 128 : 64
  const iterations = checkedIterations(options.iterations)
  const secret = Buffer.from(`${options.password}\0`, 'utf16le').swap16()
  const stretched = (bytes: Buffer): Buffer =>
    Buffer.alloc(blockSize * Math.ceil(bytes.length / blockSize), bytes)
  const diversifier = Buffer.alloc(blockSize, id)
  const input = Buffer.concat([
    salt.length === 0 ? Buffer.alloc(0) : stretched(salt),
    stretched(secret),
  ])
  const out: Buffer[] = []
  for (let made = 0; made < size; ) {
    let block = oneShotHash(hash, Buffer.concat([diversifier, input]), 'buffer')
    for (let i = 1; i < iterations; i++) block = oneShotHash(hash, block, 'buffer')
    out.push(block)
    made += block.length
    addToBlocks(input, Buffer.alloc(blockSize, block))
  }
  return Buffer.concat(out).subarray(0, size)
}

/** Adds `addend` + 1 to each block of `input`, as one large number. */
function addToBlocks(input: Buffer, addend: Buffer): void {
  for (let start = 0; start < input.length; start += addend.length) {
    let carry = 1
    for (let i = addend.length - 1; i >= 0; i--) {
      carry += (input[start + i] as number) + (addend[i] as number)
      input[start + i] = carry & 0xff
      carry >>= 8
    }
  }
}

interface Bag {
  readonly alias: string
  readonly keyId: string | undefined
}

function entriesOf(bags: readonly Der[], password: string): KeystoreEntry[] {
  const certificates: (Bag & { readonly der: Buffer })[] = []
  const keys: (Bag & { readonly pkcs8: Buffer })[] = []
  for (const bag of bags) {
    const [id, value, attributes] = bag.parts
    if (id === undefined || value === undefined) throw new MalformedInputError('a bag is damaged')
    const content = value.part(0)
    const named = attributesOf(attributes)
    switch (id.oid.slice(BAG.length)) {
      case '1':
        keys.push({ ...named, pkcs8: value.contents })
        break
      case '2':
        keys.push({
          ...named,
          pkcs8: decrypt(content.part(0), content.part(1).contents, password),
        })
        break
      case '3':
        certificates.push({ ...named, der: content.part(1).part(0).contents })
        break
    }
  }
  const leaves = keys.map((key) => {
    const leaf = certificates.find(({ keyId }) => keyId !== undefined && keyId === key.keyId)
    return { key, chain: leaf === undefined ? [] : chainFrom(leaf.der, certificates) }
  })
  const used = new Set(leaves.flatMap(({ chain }) => chain))
  return [
    ...leaves.map(({ key, chain }) => ({
      kind: 'private-key' as const,
      alias: key.alias,
      openKey: () => key.pkcs8,
      chain,
    })),
    ...certificates
      .filter(({ der }) => !used.has(der))
      .map(({ alias, der }) => ({ kind: 'certificate' as const, alias, certificate: der })),
  ]
}

/** A certificate and its chain of issuers, as far as the file contains them. */
function chainFrom(leaf: Buffer, all: readonly { readonly der: Buffer }[]): Buffer[] {
  const known = all.map(({ der }) => ({ der, x509: new X509Certificate(der) }))
  const chain: Buffer[] = []
  let next = known.find(({ der }) => der === leaf)
  while (next !== undefined && !chain.includes(next.der)) {
    const { der, x509 } = next
    chain.push(der)
    next = known.find((each) => each.x509.subject === x509.issuer)
  }
  return chain
}

function bmpText(bytes: Buffer): string {
  if (bytes.length % 2 !== 0) throw new MalformedInputError('a name is damaged')
  return Buffer.from(bytes).swap16().toString('utf16le')
}

function attributesOf(attributes: Der | undefined): Bag {
  let alias = ''
  let keyId: string | undefined
  for (const attribute of attributes?.parts ?? []) {
    const [oid, values] = attribute.parts
    const value = values?.parts[0]
    if (oid?.oid === FRIENDLY_NAME && value !== undefined) {
      alias = bmpText(value.contents)
    }
    if (oid?.oid === LOCAL_KEY_ID && value !== undefined) keyId = value.contents.toString('hex')
  }
  return { alias, keyId }
}
