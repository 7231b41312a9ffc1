// SPDX-License-Identifier: Apache-2.0
// Delegation tokens (KIP-48) as Kafka keeps them in its metadata. The HMAC is not stored: it
// follows from the id and `delegation.token.secret.key`.
import { createHmac, timingSafeEqual } from 'node:crypto'
import { type ErrorName, ProtocolError } from '@millrace/protocol'
import type { MetadataImage } from '../../metadata/metadata-image.ts'
import type { NewMetadataRecord } from '../../metadata/metadata-record.ts'
import { type ClientSession, type Principal, principalText } from '../client-session.ts'

/** A token, as it is stored. */
export type StoredToken = ReturnType<MetadataImage['delegationTokens']>[number]

/** Limits and secret of tokens. */
export interface TokenSettings {
  /** `delegation.token.secret.key`; undefined turns tokens off. */
  readonly secret: string | undefined
  /** `delegation.token.max.lifetime.ms`. */
  readonly maxLifetimeMs: number
  /** `delegation.token.expiry.time.ms`. */
  readonly renewPeriodMs: number
}

interface TokenChange {
  readonly records: readonly NewMetadataRecord[]
  readonly token: StoredToken
}

/** The HMAC of a token: the secret that its owner logs in with. */
export function tokenHmac(secret: string, tokenId: string): Buffer {
  return createHmac('sha512', secret).update(tokenId).digest()
}

/** Throws unless a client may make requests about tokens: not with a token, nor anonymously. */
export function requireTokenRequests(session: ClientSession): void {
  const { identity, securityProtocol } = session
  const isAnonymous =
    securityProtocol === 'PLAINTEXT' ||
    (securityProtocol === 'SSL' && principalText(identity) === 'User:ANONYMOUS')
  if (isAnonymous || identity.isTokenAuthenticated) throw refusal('REQUEST_NOT_ALLOWED')
}

const TEXTS = {
  REQUEST_NOT_ALLOWED:
    'Delegation Token requests are not allowed on PLAINTEXT/1-way SSL channels and on delegation token authenticated channels.',
  AUTH_DISABLED: 'Delegation Token feature is not enabled.',
  NOT_FOUND: 'Delegation Token is not found on server.',
  EXPIRED: 'Delegation Token is expired.',
  OWNER_MISMATCH: 'Specified Principal is not valid Owner/Renewer.',
} as const

function refusal(code: keyof typeof TEXTS): ProtocolError {
  return new ProtocolError(`DELEGATION_TOKEN_${code}` satisfies ErrorName, TEXTS[code])
}

/** The secret; throws if tokens are turned off. */
export function requireSecret({ secret }: TokenSettings): string {
  if (secret === undefined) throw refusal('AUTH_DISABLED')
  return secret
}

/** A new token. Throws `INVALID_PRINCIPAL_TYPE`. */
export function createToken(options: {
  readonly tokenId: string
  readonly owner: Principal
  readonly requester: Principal
  readonly renewers: readonly { readonly principalType: string; readonly principalName: string }[]
  /** What the client asked for; not positive for as long as possible. */
  readonly maxLifetimeMs: bigint
  readonly settings: TokenSettings
  readonly nowMs: number
}): TokenChange {
  const { tokenId, owner, requester, renewers, settings, nowMs } = options
  requireSecret(settings)
  if (renewers.some(({ principalType }) => principalType !== 'User')) {
    throw new ProtocolError('INVALID_PRINCIPAL_TYPE', 'Supplied principalType is not supported.')
  }
  const asked = options.maxLifetimeMs
  const limit = BigInt(settings.maxLifetimeMs)
  const now = BigInt(nowMs)
  const maxTimestamp = now + (asked > 0n && asked < limit ? asked : limit)
  const token: StoredToken = {
    tokenId,
    owner: principalText(owner),
    requester: principalText(requester),
    renewers: renewers.map(
      ({ principalType, principalName }) => `${principalType}:${principalName}`,
    ),
    issueTimestamp: now,
    maxTimestamp,
    expirationTimestamp: earlier(maxTimestamp, now + BigInt(settings.renewPeriodMs)),
  }
  return { token, records: [recordOf(token)] }
}

/** Moves the expiry of a token. A negative period is the configured one. */
export function renewToken(image: MetadataImage, request: TokenRequest): TokenChange {
  const token = tokenOf(image, request)
  const { settings, periodMs, nowMs } = request
  if (isExpired(token, nowMs)) throw refusal('EXPIRED')
  requireOwnerOrRenewer(token, request.principal)
  const usual = BigInt(settings.renewPeriodMs)
  const period = periodMs < 0n ? usual : earlier(usual, periodMs)
  return changed(token, earlier(token.maxTimestamp, BigInt(nowMs) + period))
}

/** Lets a token expire after a period, or removes it at once if the period is negative. */
export function expireToken(image: MetadataImage, request: TokenRequest): TokenChange {
  const token = tokenOf(image, request)
  requireOwnerOrRenewer(token, request.principal)
  if (request.periodMs < 0n) return { token, records: [removalOf(token)] }
  if (isExpired(token, request.nowMs)) throw refusal('EXPIRED')
  const expiry = BigInt(request.nowMs) + request.periodMs
  return changed(token, earlier(token.maxTimestamp, expiry))
}

interface TokenRequest {
  readonly hmac: Buffer
  readonly principal: Principal
  readonly periodMs: bigint
  readonly settings: TokenSettings
  readonly nowMs: number
}

/** Records that remove the tokens that have expired. */
export function expiredTokens(image: MetadataImage, nowMs: number): NewMetadataRecord[] {
  return image
    .delegationTokens()
    .filter((token) => isExpired(token, nowMs))
    .map(removalOf)
}

/** Whether a token can be used no longer. */
export function isExpired(token: StoredToken, nowMs: number): boolean {
  const now = BigInt(nowMs)
  return token.maxTimestamp < now || token.expirationTimestamp < now
}

/** Whether a principal, `Type:name`, is the owner or a renewer of a token. */
export function isOwnerOrRenewer(token: StoredToken, principal: string): boolean {
  return [token.owner, token.requester, ...token.renewers].includes(principal)
}

function requireOwnerOrRenewer(token: StoredToken, principal: Principal): void {
  if (!isOwnerOrRenewer(token, principalText(principal))) throw refusal('OWNER_MISMATCH')
}

function tokenOf(image: MetadataImage, { hmac, settings }: TokenRequest): StoredToken {
  const secret = requireSecret(settings)
  const found = image.delegationTokens().find(({ tokenId }) => {
    const expected = tokenHmac(secret, tokenId)
    return expected.length === hmac.length && timingSafeEqual(expected, hmac)
  })
  if (found === undefined) throw refusal('NOT_FOUND')
  return found
}

function changed(token: StoredToken, expirationTimestamp: bigint): TokenChange {
  const next = { ...token, expirationTimestamp }
  return { token: next, records: [recordOf(next)] }
}

function recordOf(data: StoredToken): NewMetadataRecord {
  return { kind: 'DelegationTokenRecord', version: 0, data }
}

function removalOf({ tokenId }: StoredToken): NewMetadataRecord {
  return { kind: 'RemoveDelegationTokenRecord', version: 0, data: { tokenId } }
}

function earlier(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}
