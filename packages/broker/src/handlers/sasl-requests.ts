// SPDX-License-Identifier: Apache-2.0
import {
  ErrorCode,
  SaslAuthenticateRequest,
  SaslAuthenticateResponse,
  SaslHandshakeRequest,
  SaslHandshakeResponse,
} from '@millrace/protocol'
import { defineHandler } from './handler.ts'

// `SaslSession` handles the conversation; a request that arrives here is too late, or on a listener
// without SASL.

/** SaslHandshake (key 17) of a client that cannot authenticate. */
export const saslHandshake = defineHandler(SaslHandshakeRequest, SaslHandshakeResponse, () => ({
  errorCode: ErrorCode.ILLEGAL_SASL_STATE,
  mechanisms: [],
}))

/** SaslAuthenticate (key 36) of a client that cannot authenticate. */
export const saslAuthenticate = defineHandler(
  SaslAuthenticateRequest,
  SaslAuthenticateResponse,
  () => ({
    errorCode: ErrorCode.ILLEGAL_SASL_STATE,
    errorMessage: 'SaslAuthenticate request received after successful authentication',
    authBytes: Buffer.alloc(0),
  }),
)
