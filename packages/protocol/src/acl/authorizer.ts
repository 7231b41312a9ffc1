// SPDX-License-Identifier: Apache-2.0
import { type Acl, AclOperation, PatternType, PermissionType, WILDCARD } from './acl-types.ts'
import { type HostMatcher, hostMatcher } from './host-matcher.ts'

/** The authenticated client of a request. */
export interface Subject {
  /** `Type:name`, as `User:alice`. */
  readonly principal: string
  /** IP address of the client. */
  readonly host: string
}

/** An operation on a resource. */
export interface Action {
  /** The operation. */
  readonly operation: AclOperation
  /** Code of `ResourceType`. */
  readonly resourceType: number
  /** Name of the resource, never a pattern. */
  readonly resourceName: string
}

/** Why an action is allowed or denied; Kafka's names, for the audit log. */
export type Rule =
  | { readonly kind: 'SuperUser' }
  | { readonly kind: 'MatchingAcl'; readonly acl: Acl }
  | { readonly kind: 'DefaultAllow' }
  | { readonly kind: 'DefaultDeny' }

/** The outcome of a decision. */
export interface Decision {
  /** Whether the action may be done. */
  readonly isAllowed: boolean
  /** Why. */
  readonly rule: Rule
}

interface Entry {
  readonly acl: Acl
  readonly matchesHost: HostMatcher
}

/** ACLs of one resource type. */
interface TypeIndex {
  /** By name, the wildcard among them. */
  readonly literal: Map<string, Entry[]>
  /** By prefix. */
  readonly prefixed: Map<string, Entry[]>
  /** Lengths of the prefixes, so that a name is looked up once for each. */
  readonly prefixLengths: Set<number>
}

const EVERYBODY = 'User:*'

/** Operations whose ALLOW implies another. A DENY implies nothing. */
const impliedBy: ReadonlyMap<number, readonly number[]> = new Map([
  [
    AclOperation.DESCRIBE,
    [
      AclOperation.DESCRIBE,
      AclOperation.READ,
      AclOperation.WRITE,
      AclOperation.DELETE,
      AclOperation.ALTER,
    ],
  ],
  [AclOperation.DESCRIBE_CONFIGS, [AclOperation.DESCRIBE_CONFIGS, AclOperation.ALTER_CONFIGS]],
])

/**
 * Authorizes principals as Kafka's `StandardAuthorizer` does: a function of the ACLs, without I/O.
 * An instance is immutable and holds one state of the ACLs.
 */
export class StandardAuthorizer {
  readonly #byType = new Map<number, TypeIndex>()
  readonly #superUsers: ReadonlySet<string>
  readonly #default: Decision

  /** Indexes the ACLs. */
  constructor(options: {
    readonly acls: Iterable<Acl>
    /** `Type:name` of principals that may do everything. */
    readonly superUsers: ReadonlySet<string>
    /**
     * Whether a resource without ACLs is open to every client (`allow.everyone.if.no.acl.found`).
     */
    readonly allowEveryoneIfNoAclFound: boolean
  }) {
    this.#superUsers = options.superUsers
    this.#default = options.allowEveryoneIfNoAclFound
      ? { isAllowed: true, rule: { kind: 'DefaultAllow' } }
      : denied
    for (const acl of options.acls) this.#add(acl)
  }

  #add(acl: Acl): void {
    const index = this.#byType.get(acl.resourceType) ?? {
      literal: new Map(),
      prefixed: new Map(),
      prefixLengths: new Set(),
    }
    this.#byType.set(acl.resourceType, index)
    const isPrefixed = acl.patternType === PatternType.PREFIXED
    const names = isPrefixed ? index.prefixed : index.literal
    const entries = names.get(acl.resourceName) ?? []
    names.set(acl.resourceName, entries)
    entries.push({ acl, matchesHost: hostMatcher(acl.host) })
    if (isPrefixed) index.prefixLengths.add(acl.resourceName.length)
  }

  /**
   * Decides about one action. Any matching DENY takes precedence over every ALLOW, however
   * specific.
   */
  authorize(subject: Subject, action: Action): Decision {
    if (this.#superUsers.has(subject.principal)) return superUser
    const index = this.#byType.get(action.resourceType)
    const about = index === undefined ? [] : entriesAbout(index, action.resourceName)
    let allowing: Entry | undefined
    for (const entry of about) {
      if (!matches(entry, subject, action.operation)) continue
      if (entry.acl.permissionType === PermissionType.DENY) {
        return { isAllowed: false, rule: { kind: 'MatchingAcl', acl: entry.acl } }
      }
      allowing ??= entry
    }
    if (allowing !== undefined) {
      return { isAllowed: true, rule: { kind: 'MatchingAcl', acl: allowing.acl } }
    }
    // Any ACL for a resource ends its being open to every client.
    return about.length > 0 ? denied : this.#default
  }

  /**
   * Whether the subject is authorized for at least one resource of a type (KIP-679): whether some
   * ALLOW is not covered by a DENY.
   */
  authorizeByResourceType(
    subject: Subject,
    operation: AclOperation,
    resourceType: number,
  ): boolean {
    const probe = { operation, resourceType, resourceName: 'hardcode' }
    if (this.authorize(subject, probe).isAllowed) return true
    const index = this.#byType.get(resourceType)
    if (index === undefined) return false
    const applies = ({ acl, matchesHost }: Entry): boolean =>
      (acl.operation === operation || acl.operation === AclOperation.ALL) &&
      (acl.principal === subject.principal || acl.principal === EVERYBODY) &&
      matchesHost(subject.host)
    const denies = (entries: readonly Entry[] | undefined): boolean =>
      entries?.some((e) => e.acl.permissionType === PermissionType.DENY && applies(e)) ?? false
    const allows = (entries: readonly Entry[]): boolean =>
      entries.some((e) => e.acl.permissionType === PermissionType.ALLOW && applies(e))
    if (denies(index.literal.get(WILDCARD))) return false
    const isDominated = (name: string): boolean =>
      prefixesOf(index, name).some((prefix) => denies(index.prefixed.get(prefix)))
    for (const [name, entries] of index.literal) {
      if (!allows(entries)) continue
      if (name === WILDCARD) return true
      if (!denies(entries) && !isDominated(name)) return true
    }
    for (const [prefix, entries] of index.prefixed) {
      if (allows(entries) && !isDominated(prefix)) return true
    }
    return false
  }
}

const superUser: Decision = { isAllowed: true, rule: { kind: 'SuperUser' } }
const denied: Decision = { isAllowed: false, rule: { kind: 'DefaultDeny' } }

function entriesAbout(index: TypeIndex, name: string): readonly Entry[] {
  const literal = index.literal.get(name) ?? []
  const wildcard = name === WILDCARD ? [] : (index.literal.get(WILDCARD) ?? [])
  const prefixed = prefixesOf(index, name).flatMap((prefix) => index.prefixed.get(prefix) ?? [])
  return [...literal, ...prefixed, ...wildcard]
}

/** Prefixes of `name` that ACLs have. */
function prefixesOf(index: TypeIndex, name: string): string[] {
  return [...index.prefixLengths]
    .filter((length) => length <= name.length)
    .map((length) => name.slice(0, length))
    .filter((prefix) => index.prefixed.has(prefix))
}

function matches({ acl, matchesHost }: Entry, subject: Subject, operation: AclOperation): boolean {
  if (acl.principal !== subject.principal && acl.principal !== EVERYBODY) return false
  if (!matchesHost(subject.host)) return false
  if (acl.operation === AclOperation.ALL || acl.operation === operation) return true
  if (acl.permissionType !== PermissionType.ALLOW) return false
  return impliedBy.get(operation)?.includes(acl.operation) ?? false
}
