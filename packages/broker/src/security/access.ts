// SPDX-License-Identifier: Apache-2.0
import {
  AclOperation,
  type ApiName,
  CLUSTER_NAME,
  type ErrorName,
  ProtocolError,
  ResourceType,
} from '@millrace/protocol'
import { apiPermissions, type ResourceKind } from './api-permissions.ts'
import { operationName, resourceText } from './audit-log.ts'
import type { Authorization } from './authorization.ts'
import { AuthorizedOperations, operationsOf } from './authorized-operations.ts'
import type { ClientSession } from './client-session.ts'

/** Code and text of a denial, by kind of resource. */
const denials: Readonly<Record<ResourceKind, readonly [code: ErrorName, message: string]>> = {
  topic: ['TOPIC_AUTHORIZATION_FAILED', 'Topic authorization failed.'],
  group: ['GROUP_AUTHORIZATION_FAILED', 'Group authorization failed.'],
  cluster: ['CLUSTER_AUTHORIZATION_FAILED', 'Cluster authorization failed.'],
  transactionalId: [
    'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
    'Transactional Id authorization failed.',
  ],
  delegationToken: [
    'DELEGATION_TOKEN_AUTHORIZATION_FAILED',
    'Delegation Token authorization failed.',
  ],
  user: ['DELEGATION_TOKEN_AUTHORIZATION_FAILED', 'Delegation Token authorization failed.'],
}

const resourceTypes: Readonly<Record<ResourceKind, ResourceType>> = {
  topic: ResourceType.TOPIC,
  group: ResourceType.GROUP,
  cluster: ResourceType.CLUSTER,
  transactionalId: ResourceType.TRANSACTIONAL_ID,
  delegationToken: ResourceType.DELEGATION_TOKEN,
  user: ResourceType.USER,
}

/** Options of a check. */
export interface CheckOptions {
  /** Default: the first operation that `apiPermissions` has for the kind of resource. */
  readonly operation?: AclOperation
  /** How often the request names the resource, for the audit log. Default 1. */
  readonly count?: number
  /** Whether a denial is logged. False where it is not an error. Default true. */
  readonly logsDenial?: boolean
}

/**
 * Permissions of the client of one request. Only operations that its API has in `apiPermissions`
 * can be checked.
 */
export class Access {
  readonly #authorization: Authorization | undefined
  readonly #session: ClientSession
  readonly #clientId: string
  readonly #api: ApiName

  constructor(options: {
    /** Undefined without an authorizer: everything is allowed. */
    readonly authorization: Authorization | undefined
    readonly session: ClientSession
    readonly clientId: string
    readonly api: ApiName
  }) {
    this.#authorization = options.authorization
    this.#session = options.session
    this.#clientId = options.clientId
    this.#api = options.api
  }

  /** Whether there is no authorizer, so that no checks are needed. */
  get isOpen(): boolean {
    return this.#authorization === undefined
  }

  /** Whether the client is authorized for a resource. */
  allows(kind: ResourceKind, name: string, options: CheckOptions = {}): boolean {
    const operation = this.#operation(kind, options.operation)
    const authorization = this.#authorization
    if (authorization === undefined) return true
    const action = { operation, resourceType: resourceTypes[kind], resourceName: name }
    const decision = authorization.authorize(this.#session, action)
    const { audit } = authorization
    if (decision.isAllowed ? audit.logsAllowed : options.logsDenial !== false) {
      audit.log({
        session: this.#session,
        clientId: this.#clientId,
        request: this.#api,
        action,
        count: options.count ?? 1,
        decision,
      })
    }
    return decision.isAllowed
  }

  /** Whether the client is authorized for the topic. */
  allowsTopic(name: string, options?: CheckOptions): boolean {
    return this.allows('topic', name, options)
  }

  /** Whether the client is authorized for an operation on the cluster. */
  allowsCluster(options?: CheckOptions): boolean {
    return this.allows('cluster', CLUSTER_NAME, options)
  }

  /** Whether the client is authorized for at least one resource of a kind (KIP-679). */
  allowsAny(kind: ResourceKind): boolean {
    const operation = this.#operation(kind, undefined)
    return (
      this.#authorization?.authorizeByResourceType(this.#session, operation, resourceTypes[kind]) ??
      true
    )
  }

  /** The error for a denied resource. */
  denial(kind: ResourceKind): ProtocolError {
    return new ProtocolError(...denials[kind])
  }

  /** Throws the denial of a kind of resource unless the client is authorized for it. */
  require(kind: ResourceKind, name: string, options?: CheckOptions): void {
    if (!this.allows(kind, name, options)) throw this.denial(kind)
  }

  /** Throws `TOPIC_AUTHORIZATION_FAILED`. */
  requireTopic(name: string, options?: CheckOptions): void {
    this.require('topic', name, options)
  }

  /** Throws `GROUP_AUTHORIZATION_FAILED`. */
  requireGroup(groupId: string): void {
    this.require('group', groupId)
  }

  /** Throws `TRANSACTIONAL_ID_AUTHORIZATION_FAILED`. */
  requireTransactionalId(transactionalId: string, options?: CheckOptions): void {
    this.require('transactionalId', transactionalId, options)
  }

  /** Throws `CLUSTER_AUTHORIZATION_FAILED`. */
  requireCluster(options?: CheckOptions): void {
    this.require('cluster', CLUSTER_NAME, options)
  }

  /**
   * Throws `CLUSTER_AUTHORIZATION_FAILED` with a message that names the missing permission. For
   * requests that Kafka forwards to its controller, where the message names objects of the Java
   * process.
   */
  requireClusterByName(): void {
    if (this.allowsCluster()) return
    const operation = this.#operation('cluster', undefined)
    const resource = resourceText({
      resourceType: ResourceType.CLUSTER,
      resourceName: CLUSTER_NAME,
    })
    throw new ProtocolError(
      'CLUSTER_AUTHORIZATION_FAILED',
      `${this.#session.principal} needs ${operationName(operation)} on ${resource}.`,
    )
  }

  /**
   * Names of topics that the client is not authorized for, among those that the request names one
   * by one.
   */
  deniedTopics(names: Iterable<string>, options: CheckOptions = {}): ReadonlySet<string> {
    if (this.#authorization === undefined) return NO_NAMES
    const counts = new Map<string, number>()
    for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
    const denied = new Set<string>()
    for (const [name, count] of counts) {
      if (!this.allowsTopic(name, { ...options, count })) denied.add(name)
    }
    return denied
  }

  /** Bit field of the operations that the client is authorized for on a resource. Not logged. */
  operations(kind: 'topic' | 'group' | 'cluster', name: string): number {
    const all = AuthorizedOperations[kind]
    const authorization = this.#authorization
    if (authorization === undefined) return all
    let bits = 0
    for (const operation of operationsOf(all)) {
      const action = { operation, resourceType: resourceTypes[kind], resourceName: name }
      if (authorization.authorize(this.#session, action).isAllowed) bits |= 1 << operation
    }
    return bits
  }

  /** Bit field of the cluster; 0 for a client that is not authorized to describe it. */
  clusterOperations(): number {
    const operation = AclOperation.DESCRIBE
    if (!this.allowsCluster({ operation, logsDenial: false })) return 0
    return this.operations('cluster', CLUSTER_NAME)
  }

  #operation(kind: ResourceKind, operation: AclOperation | undefined): AclOperation {
    const listed = apiPermissions[this.#api][kind]
    const wanted = operation ?? listed?.[0]
    if (wanted === undefined || listed?.includes(wanted) !== true) {
      throw new TypeError(`${this.#api} has no ${operation ?? 'permission'} for ${kind}`)
    }
    return wanted
  }
}

const NO_NAMES: ReadonlySet<string> = new Set()
