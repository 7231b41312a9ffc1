// SPDX-License-Identifier: Apache-2.0

import type { AclOperation } from '@millrace/protocol'
import { type Action, type Decision, StandardAuthorizer, type Subject } from '@millrace/protocol'
import type { MetadataImage } from '../metadata/metadata-image.ts'
import type { MetadataRecord } from '../metadata/metadata-record.ts'
import type { AuditLog } from './audit-log.ts'
import type { ClientSession } from './client-session.ts'

/** Maximum number of cached decisions; then all of them are dropped. */
const MAX_CACHED_DECISIONS = 100_000

/** Decisions for one session, by type and operation, then by name. */
type SessionDecisions = Map<number, Map<string, Decision>>

/** Settings of authorization; undefined if every operation is allowed. */
export interface AuthorizationOptions {
  readonly image: Pick<MetadataImage, 'acls'>
  /** `Type:name` of the super users. */
  readonly superUsers: ReadonlySet<string>
  /** Whether a resource without ACLs is open to every client. */
  readonly allowEveryoneIfNoAclFound: boolean
  readonly audit: AuditLog
}

/**
 * The authorizer of a broker: follows the ACLs of the metadata, and caches decisions until an ACL
 * changes. A request that starts after the reply to an ACL change sees the change.
 */
export class Authorization {
  readonly #options: AuthorizationOptions
  #authorizer: StandardAuthorizer | undefined
  #decisions = new WeakMap<ClientSession, SessionDecisions>()
  #decisionCount = 0
  #revision = 0

  constructor(options: AuthorizationOptions) {
    this.#options = options
  }

  /** Receives the decisions of requests. */
  get audit(): AuditLog {
    return this.#options.audit
  }

  /** Increases with every change of the ACLs. */
  get revision(): number {
    return this.#revision
  }

  /** Follows records that were applied to the image. */
  follow(records: readonly MetadataRecord[]): void {
    const isChanged = records.some(
      ({ kind }) =>
        kind === 'AccessControlEntryRecord' || kind === 'RemoveAccessControlEntryRecord',
    )
    if (!isChanged) return
    // Built on the next decision: ACLs are often created one request after another.
    this.#authorizer = undefined
    this.#revision++
    this.#forget()
  }

  #forget(): void {
    this.#decisions = new WeakMap()
    this.#decisionCount = 0
  }

  get #current(): StandardAuthorizer {
    const { image, superUsers, allowEveryoneIfNoAclFound } = this.#options
    this.#authorizer ??= new StandardAuthorizer({
      acls: image.acls(),
      superUsers,
      allowEveryoneIfNoAclFound,
    })
    return this.#authorizer
  }

  /** Decides about one action. */
  authorize(session: ClientSession, action: Action): Decision {
    const key = action.resourceType * 64 + action.operation
    let known = this.#decisions.get(session)
    if (known === undefined) {
      known = new Map()
      this.#decisions.set(session, known)
    }
    let byName = known.get(key)
    if (byName === undefined) {
      byName = new Map()
      known.set(key, byName)
    }
    const cached = byName.get(action.resourceName)
    if (cached !== undefined) return cached
    const decision = this.#current.authorize(session, action)
    if (this.#decisionCount >= MAX_CACHED_DECISIONS) this.#forget()
    else {
      byName.set(action.resourceName, decision)
      this.#decisionCount++
    }
    return decision
  }

  /** Whether the subject is authorized for at least one resource of a type (KIP-679). */
  authorizeByResourceType(
    subject: Subject,
    operation: AclOperation,
    resourceType: number,
  ): boolean {
    return this.#current.authorizeByResourceType(subject, operation, resourceType)
  }
}
