// SPDX-License-Identifier: Apache-2.0
import {
  type Clock,
  type Random,
  type ScramCredential,
  scramCredential,
  scramSalt,
} from '@millrace/base'
import type { MetadataImage } from '../../metadata/metadata-image.ts'
import { isExpired, tokenHmac } from '../tokens/delegation-tokens.ts'
import type { ScramCredentials, ScramMechanismName } from './scram.ts'

const CODES: Readonly<Record<ScramMechanismName, number>> = {
  'SCRAM-SHA-256': 1,
  'SCRAM-SHA-512': 2,
}
const TOKEN_ITERATIONS = 4096
/** Credentials of tokens that are kept, so that each login does not derive them again. */
const MAX_TOKEN_CREDENTIALS = 1000

/**
 * SCRAM credentials of the cluster's metadata: those of users, and those that follow from tokens.
 */
export function storedCredentials(
  image: MetadataImage,
  context: {
    readonly clock: Clock
    readonly random: Random
    /** `delegation.token.secret.key`; undefined if tokens are turned off. */
    readonly tokenSecret: () => string | undefined
  },
): ScramCredentials {
  const { clock, random, tokenSecret } = context
  const derived = new Map<string, Promise<ScramCredential>>()
  const ofToken = (mechanism: ScramMechanismName, tokenId: string, secret: string) => {
    const key = `${mechanism} ${tokenId}`
    const known = derived.get(key)
    if (known !== undefined) return known
    const [oldest] = derived.size >= MAX_TOKEN_CREDENTIALS ? derived.keys() : []
    if (oldest !== undefined) derived.delete(oldest)
    const password = tokenHmac(secret, tokenId).toString('base64')
    const credential = scramCredential(
      mechanism === 'SCRAM-SHA-256' ? 'sha256' : 'sha512',
      password,
      { salt: scramSalt(random.bytes(24)), iterations: TOKEN_ITERATIONS },
    )
    derived.set(key, credential)
    return credential
  }
  return {
    ofUser(mechanism, name) {
      const stored = image.scramCredential(CODES[mechanism], name)
      if (stored === undefined) return undefined
      const { salt, iterations, storedKey, serverKey } = stored
      return { credential: { salt, iterations, storedKey, serverKey }, identity: { name } }
    },
    async ofToken(mechanism, tokenId) {
      const token = image.delegationToken(tokenId)
      const secret = tokenSecret()
      if (token === undefined || secret === undefined) return undefined
      if (isExpired(token, clock.now())) return undefined
      const credential = await ofToken(mechanism, tokenId, secret)
      const name = token.owner.slice(token.owner.indexOf(':') + 1)
      const expiresAtMs = Number(token.expirationTimestamp)
      return { credential, identity: { name, isToken: true, expiresAtMs } }
    },
  }
}
