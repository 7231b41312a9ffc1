// SPDX-License-Identifier: Apache-2.0
import {
  decodeIdentity,
  identityJson,
  identityOf,
  parse,
  type RegistryIdentity,
  urlOf,
} from './registry-identity.ts'

/** A member of the group of registries, with its metadata. */
export interface Candidate {
  /** Id of the member. */
  readonly memberId: string
  /** Its identity as JSON. */
  readonly metadata: Buffer
}

/** Outcome of an election, which all members get. */
export interface Election {
  /** Why no member leads although some are eligible. */
  readonly error: 'duplicate URLs' | 'unknown' | undefined
  /** Id of the member that writes; undefined if no member is eligible. */
  readonly memberId: string | undefined
  /** Its identity. */
  readonly identity: RegistryIdentity | undefined
}

const NO_ERROR = 0
const DUPLICATE_URLS = 1

/**
 * Elects the eligible member with the lowest URL, as Confluent's registries do. Members whose
 * metadata is not readable are not eligible. With two members of the same URL requests could not
 * be forwarded: the election fails.
 */
export function elect(candidates: readonly Candidate[]): Election {
  const known = candidates.flatMap(({ memberId, metadata }) => {
    try {
      const identity = decodeIdentity(metadata)
      return [{ memberId, identity, url: urlOf(identity) }]
    } catch {
      return []
    }
  })
  const error =
    new Set(known.map(({ url }) => url)).size === known.length ? undefined : 'duplicate URLs'
  const [first] = known
    .filter(({ identity }) => identity.isEligible)
    .sort((a, b) => (a.url < b.url ? -1 : a.url > b.url ? 1 : 0))
  return { error, memberId: first?.memberId, identity: first?.identity }
}

/** Assignment of each member. */
export function encodeElection({ error, memberId, identity }: Election): Buffer {
  return Buffer.from(
    JSON.stringify({
      version: 1,
      error: error === undefined ? NO_ERROR : DUPLICATE_URLS,
      ...(memberId === undefined ? {} : { master: memberId }),
      ...(identity === undefined ? {} : { master_identity: identityJson(identity) }),
    }),
  )
}

/** Reads the assignment of a member. Throws `MILLRACE_INVALID_MEMBER`. */
export function decodeElection(bytes: Buffer): Election {
  const { error, master, master_identity } = (parse(bytes) ?? {}) as Record<string, unknown>
  return {
    error:
      error === undefined || error === NO_ERROR
        ? undefined
        : error === DUPLICATE_URLS
          ? 'duplicate URLs'
          : 'unknown',
    memberId: typeof master === 'string' ? master : undefined,
    identity:
      master_identity === undefined || master_identity === null
        ? undefined
        : identityOf(master_identity),
  }
}
