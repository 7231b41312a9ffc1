// SPDX-License-Identifier: Apache-2.0
import { pbkdf2, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { scramSalt } from '@millrace/base'
import {
  AlterClientQuotasRequest,
  AlterClientQuotasResponse,
  AlterUserScramCredentialsRequest,
  AlterUserScramCredentialsResponse,
  CreateAclsRequest,
  CreateAclsResponse,
  CreateDelegationTokenRequest,
  CreateDelegationTokenResponse,
  DeleteAclsRequest,
  DeleteAclsResponse,
  DescribeAclsRequest,
  DescribeAclsResponse,
  DescribeClientQuotasRequest,
  DescribeClientQuotasResponse,
  DescribeDelegationTokenRequest,
  DescribeDelegationTokenResponse,
  DescribeUserScramCredentialsRequest,
  DescribeUserScramCredentialsResponse,
  ErrorCode,
  ExpireDelegationTokenRequest,
  ExpireDelegationTokenResponse,
  RenewDelegationTokenRequest,
  RenewDelegationTokenResponse,
} from '@millrace/protocol'
import { type AdminCaller, anyBroker, Outcomes, throwIfError } from './caller.ts'
import {
  AclOperation,
  AclPatternType,
  AclPermission,
  AclResourceType,
  codeOf,
  nameOf,
  ScramMechanism,
} from './names.ts'

const deriveKey = promisify(pbkdf2)

/** An ACL: a principal is allowed or denied an operation on a resource, from a host. */
export interface AclBinding {
  /** Type of the resource. */
  readonly resourceType: AclResourceType
  /** Name or prefix of the resource; `*` for all. */
  readonly resourceName: string
  /** How `resourceName` is compared. Default `literal`. */
  readonly patternType?: AclPatternType
  /** Principal, such as `User:alice`. */
  readonly principal: string
  /** IP address of the client, or `*`. Default `*`. */
  readonly host?: string
  /** Operation that is allowed or denied. */
  readonly operation: AclOperation
  /** Whether the ACL allows or denies. */
  readonly permission: AclPermission
}

/** Absent fields match everything. */
export type AclFilter = Partial<AclBinding>

export async function createAcls(
  caller: AdminCaller,
  bindings: readonly AclBinding[],
): Promise<void> {
  const { results } = await caller.call(anyBroker, CreateAclsRequest, CreateAclsResponse, {
    creations: bindings.map((binding) => ({
      resourceType: codeOf('resourceType', AclResourceType, binding.resourceType),
      resourceName: binding.resourceName,
      resourcePatternType: codeOf('patternType', AclPatternType, binding.patternType ?? 'literal'),
      principal: binding.principal,
      host: binding.host ?? '*',
      operation: codeOf('operation', AclOperation, binding.operation),
      permissionType: codeOf('permission', AclPermission, binding.permission),
    })),
  })
  const outcomes = new Outcomes<undefined>()
  for (const [i, each] of results.entries()) {
    outcomes.add(`ACL ${JSON.stringify(bindings[i])}`, each, () => undefined)
  }
  outcomes.all()
}

function filterOf(filter: AclFilter) {
  return {
    resourceTypeFilter: codeOf('resourceType', AclResourceType, filter.resourceType ?? 'any'),
    resourceNameFilter: filter.resourceName ?? null,
    patternTypeFilter: codeOf('patternType', AclPatternType, filter.patternType ?? 'any'),
    principalFilter: filter.principal ?? null,
    hostFilter: filter.host ?? null,
    operation: codeOf('operation', AclOperation, filter.operation ?? 'any'),
    permissionType: codeOf('permission', AclPermission, filter.permission ?? 'any'),
  }
}

export async function describeAcls(
  caller: AdminCaller,
  filter: AclFilter = {},
): Promise<Required<AclBinding>[]> {
  const { resources } = await caller.call(
    anyBroker,
    DescribeAclsRequest,
    DescribeAclsResponse,
    filterOf(filter),
    (reply) => throwIfError(reply, 'DescribeAcls'),
  )
  return resources.flatMap(({ resourceType, resourceName, patternType, acls }) =>
    acls.map(({ principal, host, operation, permissionType }) => ({
      resourceType: nameOf(AclResourceType, resourceType),
      resourceName,
      patternType: nameOf(AclPatternType, patternType),
      principal,
      host,
      operation: nameOf(AclOperation, operation),
      permission: nameOf(AclPermission, permissionType),
    })),
  )
}

/** Deletes the ACLs that match any of the filters; returns them. */
export async function deleteAcls(
  caller: AdminCaller,
  filters: readonly AclFilter[],
): Promise<Required<AclBinding>[]> {
  const { filterResults } = await caller.call(anyBroker, DeleteAclsRequest, DeleteAclsResponse, {
    filters: filters.map(filterOf),
  })
  const outcomes = new Outcomes<undefined>()
  for (const [i, result] of filterResults.entries()) {
    outcomes.add(`filter ${JSON.stringify(filters[i])}`, result, () => undefined)
    for (const match of result.matchingAcls) {
      if (match.errorCode !== ErrorCode.NONE) {
        outcomes.add(`${match.resourceName}, ${match.principal}`, match, () => undefined)
      }
    }
  }
  outcomes.all()
  return filterResults.flatMap(({ matchingAcls }) =>
    matchingAcls.map(({ resourceType, resourceName, patternType, ...acl }) => ({
      resourceType: nameOf(AclResourceType, resourceType),
      resourceName,
      patternType: nameOf(AclPatternType, patternType),
      principal: acl.principal,
      host: acl.host,
      operation: nameOf(AclOperation, acl.operation),
      permission: nameOf(AclPermission, acl.permissionType),
    })),
  )
}

/** A SCRAM credential, without secrets. */
export interface ScramCredentialInfo {
  /** Mechanism. */
  readonly mechanism: ScramMechanism
  /** Iterations of the salted password. */
  readonly iterations: number
}

/** Credentials of the given users; without users, of all that have any. */
export async function describeUserScramCredentials(
  caller: AdminCaller,
  users?: readonly string[],
): Promise<Map<string, ScramCredentialInfo[]>> {
  const { results } = await caller.call(
    anyBroker,
    DescribeUserScramCredentialsRequest,
    DescribeUserScramCredentialsResponse,
    { users: users?.map((name) => ({ name })) ?? null },
    (reply) => throwIfError(reply, 'DescribeUserScramCredentials'),
  )
  const outcomes = new Outcomes<ScramCredentialInfo[]>()
  for (const each of results) {
    outcomes.add(each.user, each, () =>
      each.credentialInfos.map(({ mechanism, iterations }) => ({
        mechanism: nameOf(ScramMechanism, mechanism),
        iterations,
      })),
    )
  }
  return outcomes.all()
}

/** Creates, replaces or deletes the credential of a user for one mechanism. */
export type ScramAlteration =
  | {
      /** Name of the user. */
      readonly user: string
      /** Mechanism of the credential. */
      readonly mechanism: ScramMechanism
      /** New password; it is salted here and not sent. */
      readonly password: string
      /** Iterations of the salted password. Default 4096, the minimum. */
      readonly iterations?: number
    }
  /** Deletes the credential. */
  | { readonly user: string; readonly mechanism: ScramMechanism; readonly delete: true }

/** Creates, replaces and deletes credentials. Only the salted password leaves the process. */
export async function alterUserScramCredentials(
  caller: AdminCaller,
  alterations: readonly ScramAlteration[],
): Promise<void> {
  const deletions: { name: string; mechanism: number }[] = []
  const upsertions: {
    name: string
    mechanism: number
    iterations: number
    salt: Buffer
    saltedPassword: Buffer
  }[] = []
  for (const alteration of alterations) {
    const { user: name } = alteration
    const mechanism = codeOf('mechanism', ScramMechanism, alteration.mechanism)
    if ('delete' in alteration) {
      deletions.push({ name, mechanism })
      continue
    }
    const [digest, size] =
      alteration.mechanism === 'SCRAM-SHA-256' ? ['sha256', 32] : ['sha512', 64]
    const salt = scramSalt(randomBytes(24))
    const iterations = alteration.iterations ?? 4096
    const { password } = alteration
    const saltedPassword = await deriveKey(
      password,
      salt,
      iterations,
      size as number,
      digest as string,
    )
    upsertions.push({ name, mechanism, iterations, salt, saltedPassword })
  }
  const { results } = await caller.call(
    anyBroker,
    AlterUserScramCredentialsRequest,
    AlterUserScramCredentialsResponse,
    { deletions, upsertions },
  )
  const outcomes = new Outcomes<undefined>()
  for (const each of results) outcomes.add(each.user, each, () => undefined)
  outcomes.all()
}

/** Entity of a quota: names by type (`user`, `client-id`, `ip`); null stands for the default. */
export type QuotaEntity = Readonly<Record<string, string | null>>

/** Quotas of an entity. */
export interface ClientQuotas {
  /** User, client id, IP address, or a combination. */
  readonly entity: QuotaEntity
  /** Quotas by key: `producer_byte_rate`, `consumer_byte_rate`, `request_percentage` … */
  readonly quotas: Readonly<Record<string, number>>
}

/** Matches an `exact` name, the `default` entity, or `any` name. */
export type QuotaMatch = { readonly exact: string } | 'default' | 'any'

/**
 * Quotas whose entities match all components; with `strict`, entities with further components are
 * omitted.
 */
export async function describeClientQuotas(
  caller: AdminCaller,
  filter: Readonly<Record<string, QuotaMatch>> = {},
  { strict = false }: { readonly strict?: boolean } = {},
): Promise<ClientQuotas[]> {
  const { entries } = await caller.call(
    anyBroker,
    DescribeClientQuotasRequest,
    DescribeClientQuotasResponse,
    {
      components: Object.entries(filter).map(([entityType, match]) => ({
        entityType,
        matchType: typeof match === 'object' ? 0 : match === 'default' ? 1 : 2,
        match: typeof match === 'object' ? match.exact : null,
      })),
      strict,
    },
    (reply) => throwIfError(reply, 'DescribeClientQuotas'),
  )
  return (entries ?? []).map(({ entity, values }) => ({
    entity: Object.fromEntries(
      entity.map(({ entityType, entityName }) => [entityType, entityName]),
    ),
    quotas: Object.fromEntries(values.map(({ key, value }) => [key, value])),
  }))
}

/** Sets quotas; null removes one. */
export async function alterClientQuotas(
  caller: AdminCaller,
  alterations: readonly {
    readonly entity: QuotaEntity
    readonly quotas: Readonly<Record<string, number | null>>
  }[],
  { validateOnly = false }: { readonly validateOnly?: boolean } = {},
): Promise<void> {
  const { entries } = await caller.call(
    anyBroker,
    AlterClientQuotasRequest,
    AlterClientQuotasResponse,
    {
      entries: alterations.map(({ entity, quotas }) => ({
        entity: Object.entries(entity).map(([entityType, entityName]) => ({
          entityType,
          entityName,
        })),
        ops: Object.entries(quotas).map(([key, value]) => ({
          key,
          value: value ?? 0,
          remove: value === null,
        })),
      })),
      validateOnly,
    },
  )
  const outcomes = new Outcomes<undefined>()
  for (const each of entries) {
    const name = each.entity.map(({ entityType, entityName }) => `${entityType}=${entityName}`)
    outcomes.add(name.join(', '), each, () => undefined)
  }
  outcomes.all()
}

/** A delegation token (KIP-48). */
export interface DelegationToken {
  /** Id; the user name of a login. */
  readonly tokenId: string
  /** Secret; in base64 the password of a login. */
  readonly hmac: Buffer
  /** Principal that the token authenticates, such as `User:alice`. */
  readonly owner: string
  /** Principal that created the token. */
  readonly requester: string
  /** When the token was created, milliseconds since 1970. */
  readonly issueTimestamp: number
  /** When the token expires unless renewed, milliseconds since 1970. */
  readonly expiryTimestamp: number
  /** When the token can no longer be renewed, milliseconds since 1970. */
  readonly maxTimestamp: number
  /** Principals that may renew the token, besides its owner. */
  readonly renewers: readonly string[]
}

function principalOf(text: string): {
  readonly principalType: string
  readonly principalName: string
} {
  const at = text.indexOf(':')
  return { principalType: text.slice(0, Math.max(0, at)), principalName: text.slice(at + 1) }
}

export async function createDelegationToken(
  caller: AdminCaller,
  options: {
    readonly owner?: string
    readonly renewers?: readonly string[]
    /** Maximum lifetime of the token. Default: the broker's limit. */
    readonly maxLifetimeMs?: number
  } = {},
): Promise<DelegationToken> {
  const owner = options.owner === undefined ? undefined : principalOf(options.owner)
  const response = await caller.call(
    anyBroker,
    CreateDelegationTokenRequest,
    CreateDelegationTokenResponse,
    (version) => ({
      ...(version >= 3
        ? {
            ownerPrincipalType: owner?.principalType ?? null,
            ownerPrincipalName: owner?.principalName ?? null,
          }
        : {}),
      renewers: (options.renewers ?? []).map(principalOf),
      maxLifetimeMs: BigInt(options.maxLifetimeMs ?? -1),
    }),
    (reply) => throwIfError(reply, 'CreateDelegationToken'),
  )
  return {
    tokenId: response.tokenId,
    hmac: response.hmac,
    owner: `${response.principalType}:${response.principalName}`,
    requester: `${response.tokenRequesterPrincipalType}:${response.tokenRequesterPrincipalName}`,
    issueTimestamp: Number(response.issueTimestampMs),
    expiryTimestamp: Number(response.expiryTimestampMs),
    maxTimestamp: Number(response.maxTimestampMs),
    renewers: options.renewers ?? [],
  }
}

/** Renews a token; returns its new expiry, milliseconds since 1970. */
export async function renewDelegationToken(
  caller: AdminCaller,
  hmac: Uint8Array,
  { renewPeriodMs = -1 }: { readonly renewPeriodMs?: number } = {},
): Promise<number> {
  const response = await caller.call(
    anyBroker,
    RenewDelegationTokenRequest,
    RenewDelegationTokenResponse,
    { hmac, renewPeriodMs: BigInt(renewPeriodMs) },
    (reply) => throwIfError(reply, 'RenewDelegationToken'),
  )
  return Number(response.expiryTimestampMs)
}

/** Changes the expiry of a token, by default to now; returns it, milliseconds since 1970. */
export async function expireDelegationToken(
  caller: AdminCaller,
  hmac: Uint8Array,
  { expiryTimePeriodMs = -1 }: { readonly expiryTimePeriodMs?: number } = {},
): Promise<number> {
  const response = await caller.call(
    anyBroker,
    ExpireDelegationTokenRequest,
    ExpireDelegationTokenResponse,
    { hmac, expiryTimePeriodMs: BigInt(expiryTimePeriodMs) },
    (reply) => throwIfError(reply, 'ExpireDelegationToken'),
  )
  return Number(response.expiryTimestampMs)
}

/** Tokens of the given owners; without owners, all that the client may see. */
export async function describeDelegationToken(
  caller: AdminCaller,
  owners?: readonly string[],
): Promise<DelegationToken[]> {
  const { tokens } = await caller.call(
    anyBroker,
    DescribeDelegationTokenRequest,
    DescribeDelegationTokenResponse,
    { owners: owners?.map(principalOf) ?? null },
    (reply) => throwIfError(reply, 'DescribeDelegationToken'),
  )
  return tokens.map((token) => ({
    tokenId: token.tokenId,
    hmac: token.hmac,
    owner: `${token.principalType}:${token.principalName}`,
    requester: `${token.tokenRequesterPrincipalType}:${token.tokenRequesterPrincipalName}`,
    issueTimestamp: Number(token.issueTimestamp),
    expiryTimestamp: Number(token.expiryTimestamp),
    maxTimestamp: Number(token.maxTimestamp),
    renewers: token.renewers.map(
      ({ principalType, principalName }) => `${principalType}:${principalName}`,
    ),
  }))
}
