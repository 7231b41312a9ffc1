// SPDX-License-Identifier: Apache-2.0

/** Operations of ACLs, by the codes in requests and records. */
export const AclOperation = {
  UNKNOWN: 0,
  ANY: 1,
  ALL: 2,
  READ: 3,
  WRITE: 4,
  CREATE: 5,
  DELETE: 6,
  ALTER: 7,
  DESCRIBE: 8,
  CLUSTER_ACTION: 9,
  DESCRIBE_CONFIGS: 10,
  ALTER_CONFIGS: 11,
  IDEMPOTENT_WRITE: 12,
  CREATE_TOKENS: 13,
  DESCRIBE_TOKENS: 14,
  TWO_PHASE_COMMIT: 15,
} as const
/** Code of an operation. */
export type AclOperation = (typeof AclOperation)[keyof typeof AclOperation]

/** Types of resources, by the codes in requests and records. */
export const ResourceType = {
  UNKNOWN: 0,
  ANY: 1,
  TOPIC: 2,
  GROUP: 3,
  CLUSTER: 4,
  TRANSACTIONAL_ID: 5,
  DELEGATION_TOKEN: 6,
  USER: 7,
} as const
/** Code of a type of resources. */
export type ResourceType = (typeof ResourceType)[keyof typeof ResourceType]

/** How an ACL's resource name is compared. `MATCH` and `ANY` occur in filters only. */
export const PatternType = { UNKNOWN: 0, ANY: 1, MATCH: 2, LITERAL: 3, PREFIXED: 4 } as const
/** Code of a comparison of names. */
export type PatternType = (typeof PatternType)[keyof typeof PatternType]

/** Whether an ACL allows or denies. */
export const PermissionType = { UNKNOWN: 0, ANY: 1, DENY: 2, ALLOW: 3 } as const
/** Code of a permission. */
export type PermissionType = (typeof PermissionType)[keyof typeof PermissionType]

/** The only name of a resource of type `CLUSTER`. */
export const CLUSTER_NAME = 'kafka-cluster'

/** Literal resource name that matches every resource of its type. */
export const WILDCARD = '*'

/**
 * One access control entry: which principal is allowed or denied which operation on which
 * resources.
 */
export interface Acl {
  /** Code of `ResourceType`. */
  readonly resourceType: number
  /** Name or prefix of the resource; `*` for all. */
  readonly resourceName: string
  /** `PatternType.LITERAL` or `PREFIXED`. */
  readonly patternType: number
  /** `Type:name`, as in `User:alice`; `User:*` matches every user. */
  readonly principal: string
  /** `*`, an IP address, or a range in CIDR notation. */
  readonly host: string
  /** Code of `AclOperation`. */
  readonly operation: number
  /** `PermissionType.DENY` or `ALLOW`. */
  readonly permissionType: number
}
