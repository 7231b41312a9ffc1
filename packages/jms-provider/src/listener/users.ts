// SPDX-License-Identifier: Apache-2.0

import { timingSafeEqual } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Authenticator, SaslMechanism } from '@millrace/amqp'
import {
  type Connection,
  isLoopback,
  isReadableByOthers,
  parsePropertyLines,
  type Random,
  type ScramCredential,
  type ScramDigest,
  scramCredential,
  systemErrorCode,
} from '@millrace/base'
import { distinguishedName, PrincipalMapping } from '@millrace/base/keystore'
import { type ProviderConfig, ProviderConfigError } from '../config/provider-config.ts'
import type { ProviderSecurity } from '../security/provider-security.ts'

const SCRAM_ITERATIONS = 4096
const scramMechanisms: Readonly<Partial<Record<ScramDigest, SaslMechanism>>> = {
  sha256: 'SCRAM-SHA-256',
  sha512: 'SCRAM-SHA-512',
}

/** Users that may connect and their credentials: those of `amqp.users`, or else the cluster's. */
export class Users {
  readonly #passwords: ReadonlyMap<string, string>
  readonly #anonymous: string
  readonly #random: Random
  readonly #cluster: ProviderSecurity | undefined
  readonly #security: ProviderSecurity | undefined
  readonly #mapping: PrincipalMapping | undefined
  readonly #subjectClaim: string
  readonly #credentials = new Map<string, Promise<ScramCredential>>()

  constructor(config: ProviderConfig, random: Random, cluster: ProviderSecurity | undefined) {
    this.#passwords = passwordsOf(config)
    this.#anonymous = config.text('anonymous')
    this.#random = random
    this.#security = cluster
    this.#subjectClaim = config.text('token.subject.claim')
    const rules = config.text('tls.principal.mapping.rules')
    const isOfKafka = cluster !== undefined && cluster.certificateName === undefined
    if (rules !== '') this.#mapping = mappingOf(rules)
    else if (isOfKafka) this.#mapping = mappingOf('DEFAULT')
    const isOfCluster = this.#passwords.size === 0 && cluster?.requiresAuthentication === true
    this.#cluster = isOfCluster ? cluster : undefined
  }

  /**
   * User of a client's certificate; undefined without a certificate that is trusted. Throws
   * `MILLRACE_NO_MATCHING_RULE` if no rule maps its subject.
   */
  externalName({ peerCertificate, peerName }: Connection): string | undefined {
    if (peerCertificate === undefined) return undefined
    if (this.#mapping !== undefined) return this.#mapping.nameOf(distinguishedName(peerCertificate))
    const { certificateName } = this.#security ?? {}
    if (certificateName === undefined) return peerName ?? commonName(peerCertificate)
    return this.#security?.certificateName?.(peerCertificate)
  }

  /**
   * Returns the authenticator for a peer's address and the name in its certificate, if it presented
   * one.
   */
  authenticatorFor(remoteAddress: string, externalName: string | undefined): Authenticator {
    const isOpen =
      this.#anonymous === 'always' ||
      (this.#anonymous === 'loopback' &&
        this.#passwords.size === 0 &&
        this.#cluster === undefined &&
        isLoopback(remoteAddress))
    const offered: SaslMechanism[] = []
    if (externalName !== undefined) offered.push('EXTERNAL')
    const cluster = this.#cluster
    if (cluster !== undefined) {
      for (const digest of cluster.scramDigests) {
        const mechanism = scramMechanisms[digest]
        if (mechanism !== undefined) offered.push(mechanism)
      }
      if (cluster.acceptsTokens === true) offered.push('OAUTHBEARER', 'XOAUTH2')
      offered.push('PLAIN')
    } else if (this.#passwords.size > 0) offered.push('SCRAM-SHA-512', 'SCRAM-SHA-256', 'PLAIN')
    else if (isOpen) offered.push('PLAIN')
    if (isOpen) offered.push('ANONYMOUS')
    return {
      mechanisms: offered,
      externalName,
      checkPassword: async (username, password) => {
        if (cluster !== undefined) return cluster.checkPassword(username, password, remoteAddress)
        // If anonymous access is open, any name and password are accepted.
        if (this.#passwords.size === 0) return isOpen
        const expected = this.#passwords.get(username)
        return expected !== undefined && isSame(expected, password)
      },
      checkToken: async (token) =>
        cluster?.acceptsTokens === true
          ? cluster.checkToken?.(token, remoteAddress, this.#subjectClaim)
          : undefined,
      scramCredential: async (username, digest) =>
        cluster === undefined
          ? this.#credentialOf(username, digest)
          : cluster.scramCredential(username, digest),
    }
  }

  /**
   * The authenticated name of a client. Undefined with open access, where any name is accepted,
   * unless it is the name in the client's certificate.
   */
  verified(name: string | undefined, externalName: string | undefined): string | undefined {
    const isVerified = this.#passwords.size > 0 || this.#cluster !== undefined
    return isVerified || name === externalName ? name : undefined
  }

  #credentialOf(username: string, digest: ScramDigest): Promise<ScramCredential> | undefined {
    const password = this.#passwords.get(username)
    if (password === undefined) return undefined
    const key = `${digest}/${username}`
    let credential = this.#credentials.get(key)
    if (credential === undefined) {
      const salt = this.#random.bytes(16)
      credential = scramCredential(digest, password, { salt, iterations: SCRAM_ITERATIONS })
      this.#credentials.set(key, credential)
    }
    return credential
  }
}

function mappingOf(rules: string): PrincipalMapping {
  try {
    return new PrincipalMapping(rules)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new ProviderConfigError(
      `invalid amqp.tls.principal.mapping.rules: ${reason.replace('ssl.principal.mapping.rules: ', '')}`,
    )
  }
}

function commonName(certificate: Buffer): string | undefined {
  return /(?:^|,)CN=((?:\\.|[^,\\])*)/.exec(distinguishedName(certificate))?.[1]
}

function isSame(a: string, b: string): boolean {
  const left = Buffer.from(a)
  const right = Buffer.from(b)
  return left.length === right.length && timingSafeEqual(left, right)
}

/** A warning for each file with secrets that other accounts of the machine may read. */
export function readableSecrets(config: ProviderConfig): string[] {
  const keyFile = config.text('tls.key.file') === '' ? 'tls.certificate.file' : 'tls.key.file'
  return (['users.file', keyFile] as const).flatMap((key) => {
    const path = config.text(key)
    if (path === '' || !isReadableByOthers(path)) return []
    return [`${path} (amqp.${key}) contains secrets and is readable by others; chmod 600 ${path}`]
  })
}

function passwordsOf(config: ProviderConfig): ReadonlyMap<string, string> {
  const passwords = new Map<string, string>()
  const list = config.text('users')
  for (const pair of list === '' ? [] : list.split(',')) {
    const at = pair.indexOf(':')
    if (at <= 0 || at === pair.length - 1) {
      throw new ProviderConfigError(
        'invalid value for amqp.users: expected comma-separated name:password pairs',
      )
    }
    passwords.set(pair.slice(0, at).trim(), pair.slice(at + 1))
  }
  const file = config.text('users.file')
  if (file !== '') {
    for (const { key: name, value: password, line } of parsePropertyLines(read(file))) {
      if (name === '' || password === '') {
        throw new ProviderConfigError(
          `invalid amqp.users.file ${file}, line ${line}: expected user=password`,
        )
      }
      passwords.set(name, password)
    }
  }
  return passwords
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new ProviderConfigError(
      `cannot read amqp.users.file ${file}: ${systemErrorCode(error) ?? error}`,
    )
  }
}
