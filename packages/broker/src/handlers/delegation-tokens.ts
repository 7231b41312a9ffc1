// SPDX-License-Identifier: Apache-2.0
import {
  CreateDelegationTokenRequest,
  CreateDelegationTokenResponse,
  DescribeDelegationTokenRequest,
  DescribeDelegationTokenResponse,
  ErrorCode,
  ExpireDelegationTokenRequest,
  ExpireDelegationTokenResponse,
  RenewDelegationTokenRequest,
  RenewDelegationTokenResponse,
} from '@millrace/protocol'
import { defineHandler } from './handler.ts'

// Kafka serves tokens to authenticated users only; everybody here is anonymous, and refused as there (KIP-48).
const refusal = {
  throttleTimeMs: 0,
  errorCode: ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED,
} as const

/** CreateDelegationToken (key 38). */
export const createDelegationToken = defineHandler(
  CreateDelegationTokenRequest,
  CreateDelegationTokenResponse,
  (request) => ({
    ...refusal,
    principalType: request.ownerPrincipalType ?? 'User',
    principalName: request.ownerPrincipalName ?? 'ANONYMOUS',
    tokenRequesterPrincipalType: 'User',
    tokenRequesterPrincipalName: 'ANONYMOUS',
    issueTimestampMs: -1n,
    expiryTimestampMs: -1n,
    maxTimestampMs: -1n,
    tokenId: '',
    hmac: Buffer.alloc(0),
  }),
)

/** RenewDelegationToken (key 39). */
export const renewDelegationToken = defineHandler(
  RenewDelegationTokenRequest,
  RenewDelegationTokenResponse,
  () => ({ ...refusal, expiryTimestampMs: -1n }),
)

/** ExpireDelegationToken (key 40). */
export const expireDelegationToken = defineHandler(
  ExpireDelegationTokenRequest,
  ExpireDelegationTokenResponse,
  () => ({ ...refusal, expiryTimestampMs: -1n }),
)

/** DescribeDelegationToken (key 41). */
export const describeDelegationToken = defineHandler(
  DescribeDelegationTokenRequest,
  DescribeDelegationTokenResponse,
  () => ({ ...refusal, tokens: [] }),
)
