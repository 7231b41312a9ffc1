// SPDX-License-Identifier: Apache-2.0
// What the configuration says about SASL OAUTHBEARER on one listener (KIP-768).
import { fileURLToPath } from 'node:url'
import type { BrokerConfig, BrokerConfigKey } from './broker-config.ts'
import { ConfigError, invalidValue } from './config-definition.ts'
import { splitList } from './config-value.ts'

/** How tokens are checked. */
export interface OAuthConfig {
  /** `https:` or `file:` URL of the issuer's keys. */
  readonly jwksUrl: URL
  readonly refreshMs: number
  readonly retryMs: number
  readonly retryMaxMs: number
  /** Tokens for any of these are accepted. */
  readonly audience: readonly string[]
  readonly issuer: string | undefined
  readonly subjectClaim: string
  readonly scopeClaim: string
  readonly clockSkewSeconds: number
}

const MECHANISM = 'oauthbearer'
const ALLOWED = 'sasl.oauthbearer.allowed.urls'

/** Reads and checks how a listener validates tokens. Throws `ConfigError`. */
export function oauthConfigOf(config: BrokerConfig, listenerName: string): OAuthConfig {
  const text = (key: BrokerConfigKey): string | undefined =>
    config.listenerText(listenerName, key, MECHANISM) || undefined
  const key = 'sasl.oauthbearer.jwks.endpoint.url'
  const url = text(key)
  if (url === undefined) {
    throw new ConfigError(
      key,
      `Missing configuration ${key} for listener ${listenerName}: expected the https: or file: URL of the issuer's keys; unsigned tokens are never accepted`,
    )
  }
  const audience = splitList(text('sasl.oauthbearer.expected.audience') ?? '')
  const issuer = text('sasl.oauthbearer.expected.issuer')
  const number = (name: BrokerConfigKey): number => Number(text(name) ?? '0')
  return {
    jwksUrl: allowedUrl(config, key, url),
    refreshMs: number('sasl.oauthbearer.jwks.endpoint.refresh.ms'),
    retryMs: number('sasl.oauthbearer.jwks.endpoint.retry.backoff.ms'),
    retryMaxMs: number('sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms'),
    audience,
    issuer,
    subjectClaim: text('sasl.oauthbearer.sub.claim.name') ?? 'sub',
    scopeClaim: text('sasl.oauthbearer.scope.claim.name') ?? 'scope',
    clockSkewSeconds: number('sasl.oauthbearer.clock.skew.seconds'),
  }
}

function checkFile(key: string, url: URL): void {
  try {
    fileURLToPath(url)
  } catch {
    throw invalidValue(key, url.href, 'the file: URL of a file of this machine, as file:///path')
  }
}

/**
 * Kafka reads its allow-list from a property of the Java process. Here the key is part of the file,
 * and an empty list allows what the file names: a running broker cannot change either.
 */
function allowedUrl(config: BrokerConfig, key: string, text: string): URL {
  const allowed = splitList(config.given.get(ALLOWED) ?? '')
  if (allowed.length > 0 && !allowed.includes(text)) {
    throw invalidValue(key, text, `one of ${ALLOWED}, ${allowed.join(', ')}`)
  }
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'file:')) {
    throw invalidValue(key, text, 'an https: or file: URL')
  }
  if (url.username !== '' || url.password !== '') {
    throw invalidValue(key, `${url.protocol}//${url.host}`, 'a URL without a user')
  }
  if (url.protocol === 'file:') checkFile(key, url)
  return url
}
