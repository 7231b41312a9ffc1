// SPDX-License-Identifier: Apache-2.0
import {
  CreateDelegationTokenRequest,
  CreateDelegationTokenResponse,
  DescribeDelegationTokenRequest,
  DescribeDelegationTokenResponse,
  ErrorCode,
  ExpireDelegationTokenRequest,
  ExpireDelegationTokenResponse,
  ProtocolError,
  RenewDelegationTokenRequest,
  RenewDelegationTokenResponse,
} from '@millrace/protocol'
import type { MetadataImage } from '../metadata/metadata-image.ts'
import { type Principal, principalText } from '../security/client-session.ts'
import {
  createToken,
  expireToken,
  isOwnerOrRenewer,
  renewToken,
  requireSecret,
  requireTokenRequests,
  tokenHmac,
} from '../security/tokens/delegation-tokens.ts'
import { tokenSettings } from '../security/tokens/token-settings.ts'
import { defineHandler, type RequestContext } from './handler.ts'

interface PrincipalFields {
  readonly principalType: string
  readonly principalName: string
}

function fieldsOf(principal: string): PrincipalFields {
  const at = principal.indexOf(':')
  return { principalType: principal.slice(0, at), principalName: principal.slice(at + 1) }
}

/** The error code that a request about tokens is refused with; rethrows what is no refusal. */
function codeOf(error: unknown): { readonly throttleTimeMs: 0; readonly errorCode: number } {
  if (!(error instanceof ProtocolError)) throw error
  return { throttleTimeMs: 0, errorCode: error.errorCode }
}

/** CreateDelegationToken (key 38): v3 creates tokens for others (KIP-373). */
export const createDelegationToken = defineHandler(
  CreateDelegationTokenRequest,
  CreateDelegationTokenResponse,
  async (request, context) => {
    const { broker, session, access } = context
    const requester = session.identity
    const owner: Principal =
      request.ownerPrincipalName === null || request.ownerPrincipalName === ''
        ? requester
        : {
            type: request.ownerPrincipalType ?? 'User',
            name: request.ownerPrincipalName,
            isTokenAuthenticated: false,
          }
    const principals = {
      principalType: owner.type,
      principalName: owner.name,
      tokenRequesterPrincipalType: requester.type,
      tokenRequesterPrincipalName: requester.name,
    }
    try {
      requireTokenRequests(session)
      const isOther = principalText(owner) !== principalText(requester)
      if (isOther) access.require('user', principalText(owner))
      const settings = tokenSettings(broker.config)
      const token = await broker.metadata.propose(() => {
        const { records, token } = createToken({
          tokenId: broker.newUuid(),
          owner,
          requester,
          renewers: request.renewers,
          maxLifetimeMs: request.maxLifetimeMs,
          settings,
          nowMs: broker.world.clock.now(),
        })
        return { records, reply: token }
      })
      return {
        ...principals,
        throttleTimeMs: 0,
        errorCode: ErrorCode.NONE,
        issueTimestampMs: token.issueTimestamp,
        expiryTimestampMs: token.expirationTimestamp,
        maxTimestampMs: token.maxTimestamp,
        tokenId: token.tokenId,
        hmac: tokenHmac(requireSecret(settings), token.tokenId),
      }
    } catch (error) {
      return {
        ...codeOf(error),
        ...principals,
        issueTimestampMs: -1n,
        expiryTimestampMs: -1n,
        maxTimestampMs: -1n,
        tokenId: '',
        hmac: Buffer.alloc(0),
      }
    }
  },
)

type Change = typeof renewToken

async function change(
  { broker, session }: RequestContext,
  decide: Change,
  request: { readonly hmac: Buffer; readonly periodMs: bigint },
) {
  try {
    requireTokenRequests(session)
    const expiry = await broker.metadata.propose((image: MetadataImage) => {
      const { records, token } = decide(image, {
        ...request,
        principal: session.identity,
        settings: tokenSettings(broker.config),
        nowMs: broker.world.clock.now(),
      })
      return { records, reply: token.expirationTimestamp }
    })
    return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, expiryTimestampMs: expiry }
  } catch (error) {
    return { ...codeOf(error), expiryTimestampMs: -1n }
  }
}

/** RenewDelegationToken (key 39). */
export const renewDelegationToken = defineHandler(
  RenewDelegationTokenRequest,
  RenewDelegationTokenResponse,
  ({ hmac, renewPeriodMs }, context) =>
    change(context, renewToken, { hmac, periodMs: renewPeriodMs }),
)

/** ExpireDelegationToken (key 40). */
export const expireDelegationToken = defineHandler(
  ExpireDelegationTokenRequest,
  ExpireDelegationTokenResponse,
  ({ hmac, expiryTimePeriodMs }, context) =>
    change(context, expireToken, { hmac, periodMs: expiryTimePeriodMs }),
)

/** DescribeDelegationToken (key 41): the client's own tokens, and others that it may describe. */
export const describeDelegationToken = defineHandler(
  DescribeDelegationTokenRequest,
  DescribeDelegationTokenResponse,
  ({ owners }, { broker, session, access }) => {
    let secret: string
    try {
      requireTokenRequests(session)
      secret = requireSecret(tokenSettings(broker.config))
    } catch (error) {
      return { ...codeOf(error), tokens: [] }
    }
    const wanted = owners?.map(
      ({ principalType, principalName }) => `${principalType}:${principalName}`,
    )
    const visible = broker.metadata.image.delegationTokens().filter((token) => {
      const isWanted = wanted?.some((owner) => isOwnerOrRenewer(token, owner)) ?? true
      if (!isWanted) return false
      if (isOwnerOrRenewer(token, session.principal)) return true
      const quiet = { logsDenial: false }
      return (
        access.allows('delegationToken', token.tokenId, quiet) ||
        access.allows('user', token.owner, quiet)
      )
    })
    const tokens = visible.map((token) => {
      const requester = fieldsOf(token.requester)
      return {
        ...fieldsOf(token.owner),
        tokenRequesterPrincipalType: requester.principalType,
        tokenRequesterPrincipalName: requester.principalName,
        issueTimestamp: token.issueTimestamp,
        expiryTimestamp: token.expirationTimestamp,
        maxTimestamp: token.maxTimestamp,
        tokenId: token.tokenId,
        hmac: tokenHmac(secret, token.tokenId),
        renewers: token.renewers.map(fieldsOf),
      }
    })
    return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, tokens }
  },
)
