// SPDX-License-Identifier: Apache-2.0
import { createPrivateKey } from 'node:crypto'
import { isJavaKeystore, type KeystoreEntry, readKeystore } from './java-keystore.ts'
import { isPkcs12, readPkcs12 } from './pkcs12.ts'

/** A private key and its certificates in PEM. */
export interface Identity {
  /** Private key, PKCS#8 in PEM. */
  readonly key: string
  /** Certificate and those that issued it, in PEM. */
  readonly cert: string
}

/** Passwords of a key store. */
export interface StorePasswords {
  /** Password of the store. Without it the integrity is not checked. */
  readonly store: string | undefined
  /** Password of the key. Default: that of the store. */
  readonly key?: string | undefined
}

/** Whether the bytes are PEM. */
export function isPem(bytes: Buffer): boolean {
  return bytes.includes('-----BEGIN')
}

/** Type of a store, recognized by its content. */
function entriesOf(bytes: Buffer, password: string | undefined): KeystoreEntry[] {
  if (isJavaKeystore(bytes)) return readKeystore(bytes, password)
  if (isPkcs12(bytes)) return readPkcs12(bytes, password)
  throw new Error('it is not a JKS, JCEKS, PKCS12 or PEM file')
}

/**
 * The first private key of a JKS, JCEKS, PKCS12 or PEM file. Throws an `Error` if there is none or
 * it cannot be read.
 */
export function identityOf(bytes: Buffer, passwords: StorePasswords): Identity {
  const password = passwords.key ?? passwords.store
  if (isPem(bytes)) {
    const text = bytes.toString()
    return { key: pemKey(text, password), cert: pemCertificates(text).join('') }
  }
  const entries = entriesOf(bytes, passwords.store)
  const entry = entries.find((each) => each.kind === 'private-key')
  if (entry === undefined) throw new Error('it has no private key')
  const der = entry.openKey(password ?? '')
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  return {
    key: key.export({ format: 'pem', type: 'pkcs8' }).toString(),
    cert: entry.chain.map(toPem).join(''),
  }
}

/** The certificates of a JKS, JCEKS, PKCS12 or PEM file, in PEM. */
export function certificatesOf(bytes: Buffer, password: string | undefined): string[] {
  if (isPem(bytes)) return pemCertificates(bytes.toString())
  return entriesOf(bytes, password).flatMap((entry) => {
    if (entry.kind === 'certificate') return [toPem(entry.certificate)]
    return entry.kind === 'private-key' ? entry.chain.map(toPem) : []
  })
}

function pemCertificates(text: string): string[] {
  const found = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  return found.map((pem) => `${pem}\n`)
}

function pemKey(text: string, password: string | undefined): string {
  const block = /-----BEGIN ([A-Z ]*PRIVATE KEY)-----[\s\S]+?-----END \1-----/.exec(text)?.[0]
  if (block === undefined) throw new Error('it has no private key')
  const key = createPrivateKey({
    key: block,
    ...(password === undefined ? {} : { passphrase: password }),
  })
  return key.export({ format: 'pem', type: 'pkcs8' }).toString()
}

function toPem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}
