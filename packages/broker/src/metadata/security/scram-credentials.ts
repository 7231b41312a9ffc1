// SPDX-License-Identifier: Apache-2.0
import { createHash, createHmac } from 'node:crypto'
import { ProtocolError } from '@millrace/protocol'
import type { MetadataImage } from '../metadata-image.ts'
import type { NewMetadataRecord } from '../metadata-record.ts'

const hashes: ReadonlyMap<number, string> = new Map([
  [1, 'sha256'],
  [2, 'sha512'],
])
/** Fewest iterations that Kafka accepts. */
export const MIN_ITERATIONS = 4096
/** Most iterations that Kafka accepts. */
export const MAX_ITERATIONS = 16_384

export interface ScramDeletion {
  readonly name: string
  readonly mechanism: number
}

export interface ScramUpsertion extends ScramDeletion {
  readonly iterations: number
  readonly salt: Buffer
  readonly saltedPassword: Buffer
}

/** Record that deletes a user's credential. Throws if the user has none. */
export function deleteCredential(
  image: MetadataImage,
  { name, mechanism }: ScramDeletion,
): NewMetadataRecord {
  checkNameAndMechanism(name, mechanism)
  const isThere = image
    .scramCredentials()
    .some((each) => each.name === name && each.mechanism === mechanism)
  if (!isThere) {
    throw new ProtocolError(
      'RESOURCE_NOT_FOUND',
      'Attempt to delete a user credential that does not exist',
    )
  }
  return { kind: 'RemoveUserScramCredentialRecord', version: 0, data: { name, mechanism } }
}

/** Record of a user's credential: keys derived from the salted password (RFC 5802, section 3). */
export function upsertCredential(upsertion: ScramUpsertion): NewMetadataRecord {
  const { name, mechanism, iterations, salt, saltedPassword } = upsertion
  const hash = checkNameAndMechanism(name, mechanism)
  if (iterations < MIN_ITERATIONS) {
    throw new ProtocolError('UNACCEPTABLE_CREDENTIAL', 'Too few iterations')
  }
  if (iterations > MAX_ITERATIONS) {
    throw new ProtocolError('UNACCEPTABLE_CREDENTIAL', 'Too many iterations')
  }
  const keyOf = (text: string): Buffer => createHmac(hash, saltedPassword).update(text).digest()
  const storedKey = createHash(hash).update(keyOf('Client Key')).digest()
  return {
    kind: 'UserScramCredentialRecord',
    version: 0,
    data: { name, mechanism, salt, storedKey, serverKey: keyOf('Server Key'), iterations },
  }
}

function checkNameAndMechanism(name: string, mechanism: number): string {
  if (name === '') {
    throw new ProtocolError('UNACCEPTABLE_CREDENTIAL', 'Username must not be empty')
  }
  const hash = hashes.get(mechanism)
  if (hash === undefined) {
    throw new ProtocolError('UNSUPPORTED_SASL_MECHANISM', 'Unknown SCRAM mechanism')
  }
  return hash
}
