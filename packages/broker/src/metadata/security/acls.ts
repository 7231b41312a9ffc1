// SPDX-License-Identifier: Apache-2.0
import {
  type Acl,
  AclOperation,
  CLUSTER_NAME,
  cidrProblem,
  PatternType,
  PermissionType,
  ProtocolError,
  ResourceType,
  WILDCARD,
} from '@millrace/protocol'
import type { MetadataImage } from '../metadata-image.ts'
import type { NewMetadataRecord } from '../metadata-record.ts'

/**
 * Null and `ANY` match everything; pattern type `match` finds all patterns that apply to a resource
 * of that name.
 */
export interface AclFilter {
  readonly resourceTypeFilter: number
  readonly resourceNameFilter: string | null
  readonly patternTypeFilter: number
  readonly principalFilter: string | null
  readonly hostFilter: string | null
  readonly operation: number
  readonly permissionType: number
}

/** Records that create an ACL; none if an equal one exists. Throws `INVALID_REQUEST`. */
export function createAcl(image: MetadataImage, acl: Acl, id: string): NewMetadataRecord[] {
  checkAcl(acl)
  for (const known of image.acls()) if (sameAcl(known, acl)) return []
  return [{ kind: 'AccessControlEntryRecord', version: 0, data: { id, ...acl } }]
}

export function sameAcl(a: Acl, b: Acl): boolean {
  return (
    a.resourceType === b.resourceType &&
    a.resourceName === b.resourceName &&
    a.patternType === b.patternType &&
    a.principal === b.principal &&
    a.host === b.host &&
    a.operation === b.operation &&
    a.permissionType === b.permissionType
  )
}

function checkAcl(acl: Acl): void {
  const invalid = (message: string): ProtocolError => new ProtocolError('INVALID_REQUEST', message)
  const { resourceType, resourceName, patternType, operation, permissionType, principal, host } =
    acl
  if (resourceType === ResourceType.CLUSTER && resourceName !== CLUSTER_NAME) {
    throw invalid(`The only valid name for the CLUSTER resource is ${CLUSTER_NAME}`)
  }
  if (resourceName === '') throw invalid('Invalid empty resource name')
  if (resourceType <= ResourceType.ANY || !isCode(ResourceType, resourceType)) {
    throw invalid(`Invalid resourceType ${nameOf(resourceType)}`)
  }
  if (patternType !== PatternType.LITERAL && patternType !== PatternType.PREFIXED) {
    throw invalid(`Invalid patternType ${patternType}`)
  }
  if (operation <= AclOperation.ANY || !isCode(AclOperation, operation)) {
    throw invalid(`Invalid operation ${nameOf(operation)}`)
  }
  if (permissionType !== PermissionType.DENY && permissionType !== PermissionType.ALLOW) {
    throw invalid(`Invalid permissionType ${permissionType}`)
  }
  if (host === '') throw invalid('Host pattern cannot be null or empty')
  const wrongRange = cidrProblem(host)
  if (wrongRange !== undefined) throw invalid(wrongRange)
  if (!principal.includes(':')) {
    throw invalid(
      `Could not parse principal from \`${principal}\` (no colon is present separating the principal type from the principal name)`,
    )
  }
}

/** `ANY` has the same code everywhere. */
function nameOf(code: number): string {
  return code === ResourceType.ANY ? 'ANY' : 'UNKNOWN'
}

function isCode(codes: Readonly<Record<string, number>>, code: number): boolean {
  return Object.values(codes).includes(code)
}

/** ACLs that match a filter. Throws `INVALID_REQUEST` if the filter has unknown elements. */
export function findAcls<T extends Acl>(acls: Iterable<T>, filter: AclFilter): T[] {
  const { resourceTypeFilter, patternTypeFilter, operation, permissionType } = filter
  if (
    resourceTypeFilter === ResourceType.UNKNOWN ||
    patternTypeFilter === PatternType.UNKNOWN ||
    operation === AclOperation.UNKNOWN ||
    permissionType === PermissionType.UNKNOWN
  ) {
    throw new ProtocolError('INVALID_REQUEST', 'The filter has unknown elements.')
  }
  return [...acls].filter(
    (acl) =>
      (resourceTypeFilter === ResourceType.ANY || resourceTypeFilter === acl.resourceType) &&
      matchesName(acl, filter) &&
      (filter.principalFilter === null || filter.principalFilter === acl.principal) &&
      (filter.hostFilter === null || filter.hostFilter === acl.host) &&
      (operation === AclOperation.ANY || operation === acl.operation) &&
      (permissionType === PermissionType.ANY || permissionType === acl.permissionType),
  )
}

function matchesName(
  { resourceName, patternType }: Acl,
  { resourceNameFilter: name, patternTypeFilter }: AclFilter,
): boolean {
  const isLike = patternTypeFilter === PatternType.MATCH
  if (patternTypeFilter !== PatternType.ANY && !isLike && patternTypeFilter !== patternType) {
    return false
  }
  if (name === null) return true
  if (!isLike) return name === resourceName
  if (patternType === PatternType.PREFIXED) return name.startsWith(resourceName)
  return name === resourceName || resourceName === WILDCARD
}
