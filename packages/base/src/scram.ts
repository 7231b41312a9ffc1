// SPDX-License-Identifier: Apache-2.0
import { createHash, createHmac, pbkdf2, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { MillraceError } from './errors.ts'

const deriveKey = promisify(pbkdf2)

/** Hash function: SCRAM-SHA-256 or SCRAM-SHA-512. */
export type ScramDigest = 'sha1' | 'sha256' | 'sha512'
const keySizes: Readonly<Record<ScramDigest, number>> = { sha1: 20, sha256: 32, sha512: 64 }
/** Minimum of RFC 7677. */
const MIN_ITERATIONS = 4096

/** Stored form of a password on the server. */
export interface ScramCredential {
  /** Random salt of the password. */
  readonly salt: Buffer
  /** Number of iterations of the salted password (RFC 5802, `i`). */
  readonly iterations: number
  /** Hash of the client key (RFC 5802, `StoredKey`). */
  readonly storedKey: Buffer
  /** Key that proves the server's identity (RFC 5802, `ServerKey`). */
  readonly serverKey: Buffer
}

function hmac(digest: ScramDigest, key: Buffer, text: string): Buffer {
  return createHmac(digest, key).update(text).digest()
}

function saltPassword(
  digest: ScramDigest,
  password: string,
  salt: Buffer,
  iterations: number,
): Promise<Buffer> {
  // Unlike RFC 5802 Kafka does not normalize passwords, and neither do its clients.
  return deriveKey(password, salt, iterations, keySizes[digest], digest)
}

/** Derives the stored form of a password, with which a server can verify it without knowing it. */
export async function scramCredential(
  digest: ScramDigest,
  password: string,
  { salt, iterations }: { readonly salt: Buffer; readonly iterations: number },
): Promise<ScramCredential> {
  const salted = await saltPassword(digest, password, salt, iterations)
  const storedKey = createHash(digest)
    .update(hmac(digest, salted, 'Client Key'))
    .digest()
  return { salt, iterations, storedKey, serverKey: hmac(digest, salted, 'Server Key') }
}

const SALT_LENGTH = 26

/**
 * A salt like those of Kafka's tools, a text in base 36, of at least 20 random bytes. All salts
 * have one form: a salt must not reveal how its credential was created, or that there is none.
 */
export function scramSalt(bytes: Buffer): Buffer {
  const text = BigInt(`0x${bytes.toString('hex')}`).toString(36)
  return Buffer.from(text.padStart(SALT_LENGTH, '0').slice(-SALT_LENGTH))
}

function attributes(text: string): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(text.split(',').map((part) => [part[0] ?? '', part.slice(2)]))
}

function xor(a: Buffer, b: Buffer): Buffer {
  return Buffer.from(a.map((byte, i) => byte ^ (b[i] as number)))
}

function problem(message: string): MillraceError {
  return new MillraceError('MILLRACE_SASL', message)
}

/** The client's side of RFC 5802, without channel binding. */
export class ScramClient {
  readonly #digest: ScramDigest
  readonly #password: string
  readonly #nonce: string
  readonly #firstBare: string
  #expected: Buffer | undefined

  /** Starts one authentication. */
  constructor(options: {
    readonly digest: ScramDigest
    readonly username: string
    readonly password: string
    /** A new random value, without commas. */
    readonly nonce: string
    /** Extensions of the first message, as `tokenauth` of Kafka (KIP-48). Default: none. */
    readonly extensions?: Readonly<Record<string, string>>
  }) {
    this.#digest = options.digest
    this.#password = options.password
    this.#nonce = options.nonce
    const name = options.username.replaceAll('=', '=3D').replaceAll(',', '=2C')
    const extensions = Object.entries(options.extensions ?? {}).map(
      ([key, value]) => `,${key}=${value}`,
    )
    this.#firstBare = `n=${name},r=${options.nonce}${extensions.join('')}`
  }

  /** The client's first message. */
  get first(): string {
    return `n,,${this.#firstBare}`
  }

  /**
   * The client's final message, in reply to the server's challenge. Rejects with `MILLRACE_SASL`
   * for an invalid challenge.
   */
  async answer(serverFirst: string): Promise<string> {
    const { r: nonce, s: salt, i: iterations } = attributes(serverFirst)
    if (nonce === undefined || salt === undefined || !nonce.startsWith(this.#nonce)) {
      throw problem('the server sent a malformed SCRAM challenge')
    }
    const rounds = Number(iterations)
    if (!(rounds >= MIN_ITERATIONS)) {
      throw problem(
        `the server asks for ${iterations} SCRAM iterations; at least ${MIN_ITERATIONS} are required`,
      )
    }
    const digest = this.#digest
    const saltBytes = Buffer.from(salt, 'base64')
    const salted = await saltPassword(digest, this.#password, saltBytes, rounds)
    const clientKey = hmac(digest, salted, 'Client Key')
    const storedKey = createHash(digest).update(clientKey).digest()
    const withoutProof = `c=biws,r=${nonce}`
    const signed = `${this.#firstBare},${serverFirst},${withoutProof}`
    this.#expected = hmac(digest, hmac(digest, salted, 'Server Key'), signed)
    const proof = xor(clientKey, hmac(digest, storedKey, signed))
    return `${withoutProof},p=${proof.toString('base64')}`
  }

  /**
   * Throws `MILLRACE_SASL` unless the server's final message proves that the server knows the
   * password, too.
   */
  verify(serverFinal: string): void {
    const verifier = Buffer.from(attributes(serverFinal).v ?? '', 'base64')
    const expected = this.#expected
    if (
      expected === undefined ||
      verifier.length !== expected.length ||
      !timingSafeEqual(verifier, expected)
    ) {
      throw problem('the server could not prove that it knows the password')
    }
  }
}

/** A name with its escapes resolved (RFC 5802, `saslname`). */
function saslName(text: string): string {
  if (/=(?!2C|3D)/.test(text)) throw problem('a malformed name in SCRAM')
  return text.replaceAll('=2C', ',').replaceAll('=3D', '=')
}

/** The server's side of RFC 5802. */
export class ScramServer {
  readonly #digest: ScramDigest
  readonly #nonce: string
  #credential: ScramCredential | undefined
  /** The part before the first message (RFC 5801), which the final one repeats. */
  #header = ''
  #first = ''
  #serverFirst = ''
  #authorizationId = ''
  #extensions: ReadonlyMap<string, string> = new Map()

  /** Starts one authentication. */
  constructor(digest: ScramDigest, nonce: string) {
    this.#digest = digest
    this.#nonce = nonce
  }

  /** The authorization id of the first message, empty if there is none. */
  get authorizationId(): string {
    return this.#authorizationId
  }

  /** Extensions of the first message, as `tokenauth=true`. */
  get extensions(): ReadonlyMap<string, string> {
    return this.#extensions
  }

  /** The user name in a client's first message. Throws `MILLRACE_SASL` for a malformed one. */
  begin(clientFirst: string): string {
    // `y`: the client has channel bindings and believes, rightly, that this side has none.
    const match =
      /^([ny],(?:a=([^,]*))?,)(n=([^,]*),r=([\x21-\x2b\x2d-\x7e]+)((?:,[^,]*)*))$/s.exec(
        clientFirst,
      )
    if (match === null) throw problem('malformed first SCRAM message')
    const [, header = '', authorizationId = '', bare = '', name = '', , rest = ''] = match
    this.#header = header
    this.#first = bare
    this.#authorizationId = saslName(authorizationId)
    this.#extensions = new Map(
      rest.split(',').flatMap((part) => {
        const [, key, value] = /^([A-Za-z]+)=(.*)$/s.exec(part) ?? []
        return key === undefined || value === undefined ? [] : [[key, value]]
      }),
    )
    return saslName(name)
  }

  /** The challenge. */
  challenge(credential: ScramCredential): string {
    this.#credential = credential
    const clientNonce = /(?:^|,)r=([^,]*)/.exec(this.#first)?.[1] ?? ''
    const salt = credential.salt.toString('base64')
    this.#serverFirst = `r=${clientNonce}${this.#nonce},s=${salt},i=${credential.iterations}`
    return this.#serverFirst
  }

  /** The server's final message if the client's proof is valid, undefined if it is not. */
  finish(clientFinal: string): string | undefined {
    const credential = this.#credential
    const match = /^(c=([^,]*),r=([^,]*).*?),p=([^,]*)$/s.exec(clientFinal)
    if (credential === undefined || match === null) return undefined
    const [, withoutProof = '', binding, nonce, proofText = ''] = match
    const expectedNonce = /^r=([^,]*)/.exec(this.#serverFirst)?.[1]
    if (nonce !== expectedNonce || binding !== Buffer.from(this.#header).toString('base64')) {
      return undefined
    }
    const signed = `${this.#first},${this.#serverFirst},${withoutProof}`
    const signature = hmac(this.#digest, credential.storedKey, signed)
    const proof = Buffer.from(proofText, 'base64')
    if (proof.length !== signature.length) return undefined
    const storedKey = createHash(this.#digest).update(xor(proof, signature)).digest()
    if (!timingSafeEqual(storedKey, credential.storedKey)) return undefined
    return `v=${hmac(this.#digest, credential.serverKey, signed).toString('base64')}`
  }
}
