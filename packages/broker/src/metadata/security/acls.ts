// SPDX-License-Identifier: Apache-2.0
import { ProtocolError } from '@millrace/protocol'
import type { MetadataImage } from '../metadata-image.ts'
import type { NewMetadataRecord } from '../metadata-record.ts'

/** Numbers as requests and records have them. */
const UNKNOWN = 0
const ANY = 1
const PatternType = { any: 1, match: 2, literal: 3, prefixed: 4 } as const
const PermissionType = { deny: 2, allow: 3 } as const
const CLUSTER_RESOURCE = 4
const CLUSTER_NAME = 'kafka-cluster'

/** Who may, or may not, do what with which resources. */
export interface Acl {
  readonly resourceType: number
  readonly resourceName: string
  readonly patternType: number
  readonly principal: string
  readonly host: string
  readonly operation: number
  readonly permissionType: number
}

/** Null and `ANY` leave things open; pattern type `match` finds whatever is about a resource of that name. */
export interface AclFilter {
  readonly resourceTypeFilter: number
  readonly resourceNameFilter: string | null
  readonly patternTypeFilter: number
  readonly principalFilter: string | null
  readonly hostFilter: string | null
  readonly operation: number
  readonly permissionType: number
}

/** Records that make an ACL: none when there is one like it. Throws `INVALID_REQUEST`. */
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
  const { resourceType, resourceName, patternType, operation, permissionType, principal } = acl
  if (resourceType === CLUSTER_RESOURCE && resourceName !== CLUSTER_NAME) {
    throw invalid(`The only valid name for the CLUSTER resource is ${CLUSTER_NAME}`)
  }
  if (resourceName === '') throw invalid('Invalid empty resource name')
  if (resourceType <= ANY) throw invalid(`Invalid resourceType ${resourceType}`)
  if (patternType !== PatternType.literal && patternType !== PatternType.prefixed) {
    throw invalid(`Invalid patternType ${patternType}`)
  }
  if (operation <= ANY) throw invalid(`Invalid operation ${operation}`)
  if (permissionType !== PermissionType.deny && permissionType !== PermissionType.allow) {
    throw invalid(`Invalid permissionType ${permissionType}`)
  }
  if (!principal.includes(':')) {
    throw invalid(
      `Could not parse principal from \`${principal}\` (no colon is present separating the principal type from the principal name)`,
    )
  }
}

/** ACLs that a filter is about. Throws `INVALID_REQUEST` for one with unknown parts. */
export function findAcls<T extends Acl>(acls: Iterable<T>, filter: AclFilter): T[] {
  const { resourceTypeFilter, patternTypeFilter, operation, permissionType } = filter
  const parts = [resourceTypeFilter, patternTypeFilter, operation, permissionType]
  if (parts.includes(UNKNOWN)) {
    throw new ProtocolError('INVALID_REQUEST', 'The filter has unknown elements.')
  }
  return [...acls].filter(
    (acl) =>
      (resourceTypeFilter === ANY || resourceTypeFilter === acl.resourceType) &&
      matchesName(acl, filter) &&
      (filter.principalFilter === null || filter.principalFilter === acl.principal) &&
      (filter.hostFilter === null || filter.hostFilter === acl.host) &&
      (operation === ANY || operation === acl.operation) &&
      (permissionType === ANY || permissionType === acl.permissionType),
  )
}

function matchesName(
  { resourceName, patternType }: Acl,
  { resourceNameFilter: name, patternTypeFilter }: AclFilter,
): boolean {
  const isLike = patternTypeFilter === PatternType.match
  if (patternTypeFilter !== PatternType.any && !isLike && patternTypeFilter !== patternType) {
    return false
  }
  if (name === null) return true
  if (!isLike) return name === resourceName
  if (patternType === PatternType.prefixed) return name.startsWith(resourceName)
  return name === resourceName || resourceName === '*'
}
