// SPDX-License-Identifier: Apache-2.0
import { hostText, StandardAuthorizer } from '@millrace/protocol'
import {
  AclOperation,
  AclPatternType,
  AclPermission,
  AclResourceType,
  type AclOperation as Operation,
  type AclResourceType as Resource,
} from './names.ts'
import type { AclBinding } from './security.ts'

/** A request that an `AclAuthorizer` decides on. */
export interface AclRequest {
  /** Principal, as `User:alice`. */
  readonly principal: string
  /** IP address of the client. */
  readonly host: string
  /** What the client wants to do. */
  readonly operation: Operation
  /** Type of the resource. */
  readonly resourceType: Resource
  /** Name of the resource; `kafka-cluster` for the cluster. */
  readonly resourceName: string
}

/**
 * Decides by the ACLs of a cluster, as its brokers do (`StandardAuthorizer`): for a server in front
 * of Kafka whose clients have Kafka's principals.
 */
export class AclAuthorizer {
  readonly #authorizer: StandardAuthorizer

  /** Copies the ACLs that `Admin.describeAcls` returned; later changes have no effect. */
  constructor(
    acls: readonly AclBinding[],
    options: {
      /** `Type:name` of principals that may do everything (`super.users`). Default: none. */
      readonly superUsers?: readonly string[]
      /** Whether a resource without ACLs is open to every principal. Default false. */
      readonly allowEveryoneIfNoAclFound?: boolean
    } = {},
  ) {
    this.#authorizer = new StandardAuthorizer({
      acls: acls.map((acl) => ({
        resourceType: AclResourceType[acl.resourceType],
        resourceName: acl.resourceName,
        patternType: AclPatternType[acl.patternType ?? 'literal'],
        principal: acl.principal,
        host: acl.host ?? '*',
        operation: AclOperation[acl.operation],
        permissionType: AclPermission[acl.permission],
      })),
      superUsers: new Set(options.superUsers),
      allowEveryoneIfNoAclFound: options.allowEveryoneIfNoAclFound ?? false,
    })
  }

  /** Whether the principal may do the operation on the resource. */
  isAllowed({ principal, host, operation, resourceType, resourceName }: AclRequest): boolean {
    return this.#authorizer.authorize(
      { principal, host: hostText(host) },
      {
        operation: AclOperation[operation],
        resourceType: AclResourceType[resourceType],
        resourceName,
      },
    ).isAllowed
  }
}
