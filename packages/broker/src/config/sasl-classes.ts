// SPDX-License-Identifier: Apache-2.0
// Kafka's classes for SASL that a server.properties may name: what they do is built in.
const SECURITY = 'org.apache.kafka.common.security'

/** Server callback handlers by mechanism. */
export const saslServerHandlers = {
  PLAIN: [`${SECURITY}.plain.internals.PlainServerCallbackHandler`],
  OAUTHBEARER: [
    `${SECURITY}.oauthbearer.OAuthBearerValidatorCallbackHandler`,
    `${SECURITY}.oauthbearer.secured.OAuthBearerValidatorCallbackHandler`,
  ],
} as const satisfies Readonly<Record<string, readonly string[]>>

/** Login callback handlers, which brokers use between themselves; a single node does not log in. */
export const saslLoginHandlers: readonly string[] = [
  `${SECURITY}.oauthbearer.OAuthBearerLoginCallbackHandler`,
  `${SECURITY}.oauthbearer.secured.OAuthBearerLoginCallbackHandler`,
]

const OAUTH = `${SECURITY}.oauthbearer`

/** Retrievers of tokens, for the same purpose. */
export const jwtRetrievers: readonly string[] = [
  'Default',
  'ClientCredentials',
  'JwtBearer',
  'File',
].map((kind) => `${OAUTH}.${kind}JwtRetriever`)

/** Validators that check signatures, as the broker does. */
export const jwtValidators: readonly string[] = ['Default', 'Broker'].map(
  (kind) => `${OAUTH}.${kind}JwtValidator`,
)
