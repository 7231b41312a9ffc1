// SPDX-License-Identifier: Apache-2.0
import type { TokenUser } from '@millrace/amqp'
import { guard, type Logger, type Timer } from '@millrace/base'
import {
  AclAuthorizer,
  type AclBinding,
  type AclOperation,
  type AclResourceType,
  Admin,
  type ClientOptions,
} from '@millrace/client'
import type { ProviderWorld } from '../provider.ts'
import type { AccessAction, ClientIdentity, ProviderSecurity } from './provider-security.ts'

/** Interval at which the ACLs are read, in milliseconds. */
const REFRESH_MS = 5000
/** Maximum number of concurrent logins to the cluster; others wait. */
const MAX_LOGINS = 16

const operations: Readonly<Record<AccessAction['operation'], AclOperation>> = {
  READ: 'read',
  WRITE: 'write',
  CREATE: 'create',
  DELETE: 'delete',
  DESCRIBE: 'describe',
}
const resourceTypes: Readonly<Record<AccessAction['resourceType'], AclResourceType>> = {
  TOPIC: 'topic',
  GROUP: 'group',
  CLUSTER: 'cluster',
}

/** Settings of the brokers' authorizer, which a Kafka cluster does not return to clients. */
export interface ClusterAclSettings {
  /** Principals that are allowed everything (`super.users`), as `Type:name`. Default: none. */
  readonly superUsers?: readonly string[]
  /** `allow.everyone.if.no.acl.found`. Default false. */
  readonly allowEveryoneIfNoAclFound?: boolean
}

/** Dependencies and settings of `ClusterSecurity`. */
export interface ClusterSecurityContext {
  /** Clock for reading the ACLs periodically. */
  readonly clock: ProviderWorld['clock']
  /** Receives warnings and errors. */
  readonly logger: Logger
  /** Settings of the brokers' authorizer. */
  readonly settings?: ClusterAclSettings
}

/**
 * Users and ACLs of a Kafka cluster. A password is checked by a login to the cluster. The ACLs are
 * read every 5 seconds, so a change takes effect with that delay; while they cannot be read because
 * the provider lacks DESCRIBE on the cluster, everything is denied.
 */
export class ClusterSecurity implements ProviderSecurity, AsyncDisposable {
  /**
   * Whether clients must authenticate: true if the provider authenticates to the cluster with SASL.
   */
  readonly requiresAuthentication: boolean
  /** Empty: a broker does not return the stored form of passwords. */
  readonly scramDigests = [] as const
  readonly #client: ClientOptions
  readonly #admin: Admin
  readonly #clock: ProviderWorld['clock']
  readonly #logger: Logger
  readonly #settings: ClusterAclSettings
  #authorizer: AclAuthorizer | undefined
  /** Whether the cluster has no authorizer. */
  #isOpen = false
  #known: string | undefined
  #timer: Timer | undefined
  #isClosed = false
  #logins = 0
  readonly #waiting: (() => void)[] = []

  private constructor(client: ClientOptions, context: ClusterSecurityContext) {
    this.#client = { ...client, logger: context.logger }
    this.#admin = new Admin(this.#client)
    this.#clock = context.clock
    this.#logger = context.logger
    this.#settings = context.settings ?? {}
    this.requiresAuthentication = client.sasl !== undefined
  }

  /** Reads the ACLs. Rejects if the cluster cannot be reached or does not accept the provider. */
  static async open(
    client: ClientOptions,
    context: ClusterSecurityContext,
  ): Promise<ClusterSecurity> {
    const security = new ClusterSecurity(client, context)
    try {
      await security.refresh()
      if (!security.#isOpen) security.#refreshLater()
      return security
    } catch (error) {
      await security.close()
      throw error
    }
  }

  /** Whether a client is allowed the operation, according to the ACLs that were read last. */
  readonly authorize = (client: ClientIdentity, action: AccessAction): boolean => {
    if (this.#isOpen) return true
    return (
      this.#authorizer?.isAllowed({
        ...client,
        operation: operations[action.operation],
        resourceType: resourceTypes[action.resourceType],
        resourceName: action.resourceName,
      }) ?? false
    )
  }

  /** Whether the provider logs in with OAUTHBEARER, so that its clients can. */
  get acceptsTokens(): boolean {
    return this.#client.sasl?.mechanism === 'OAUTHBEARER'
  }

  /**
   * The user of an OAuth token, if the cluster accepts it: the claims are believed only after a
   * login to the cluster, which checks the signature. Rejects if it cannot be reached.
   */
  async checkToken(
    token: string,
    _host: string,
    subjectClaim: string,
  ): Promise<TokenUser | undefined> {
    const claims = claimsOf(token)
    const name = claims?.[subjectClaim]
    if (typeof name !== 'string' || name.trim() === '') return undefined
    const sasl = { mechanism: 'OAUTHBEARER', token: () => ({ value: token }) } as const
    if (!(await this.#accepts(sasl))) return undefined
    const expiresAtMs = typeof claims?.exp === 'number' ? claims.exp * 1000 : undefined
    return { name, ...(expiresAtMs === undefined ? {} : { expiresAtMs }) }
  }

  /** Whether the cluster accepts the user and password. Rejects if it cannot be reached. */
  async checkPassword(username: string, password: string): Promise<boolean> {
    const { sasl } = this.#client
    if (sasl === undefined || sasl.mechanism === 'OAUTHBEARER') return false
    return this.#accepts({ mechanism: sasl.mechanism, username, password })
  }

  async #accepts(sasl: NonNullable<ClientOptions['sasl']>): Promise<boolean> {
    await this.#enter()
    const admin = new Admin({ ...this.#client, sasl })
    try {
      await admin.describeCluster()
      return true
    } catch (error) {
      if (codeOf(error) === 'SASL_AUTHENTICATION_FAILED') return false
      throw error
    } finally {
      await admin.close()
      this.#logins--
      this.#waiting.shift()?.()
    }
  }

  async #enter(): Promise<void> {
    while (this.#logins >= MAX_LOGINS) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
    this.#logins++
  }

  /** Always undefined. */
  async scramCredential(): Promise<undefined> {
    return undefined
  }

  /** Reads the ACLs now. */
  async refresh(): Promise<void> {
    let acls: readonly AclBinding[]
    try {
      acls = await this.#admin.describeAcls()
    } catch (error) {
      if (codeOf(error) === 'SECURITY_DISABLED') {
        this.#isOpen = true
        return
      }
      if (codeOf(error) !== 'CLUSTER_AUTHORIZATION_FAILED') throw error
      if (this.#known !== '') {
        this.#logger.error(
          'all operations of JMS clients are denied: the provider lacks DESCRIBE on the cluster to read the ACLs',
        )
      }
      this.#known = ''
      this.#authorizer = undefined
      return
    }
    const known = JSON.stringify(acls)
    if (known === this.#known) return
    this.#known = known
    this.#authorizer = new AclAuthorizer(acls, this.#settings)
  }

  #refreshLater(): void {
    if (this.#isClosed) return
    this.#timer = this.#clock.setTimer(REFRESH_MS, () => {
      guard(
        () =>
          this.refresh()
            .catch((error: unknown) => {
              this.#logger.warn('cannot read the ACLs; the last ones remain in force', { error })
            })
            .finally(() => this.#refreshLater()),
        (error) => this.#logger.error('cannot read the ACLs', { error }),
      )
    })
  }

  /** Stops reading the ACLs and disconnects. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#timer?.cancel()
    await this.#admin.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/** Claims of a signed token, which are not checked here; undefined for other tokens. */
function claimsOf(token: string): Readonly<Record<string, unknown>> | undefined {
  const [, payload] = /^[\w-]+\.([\w-]+)\.[\w-]+$/.exec(token) ?? []
  if (payload === undefined) return undefined
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'))
    return typeof claims === 'object' && claims !== null ? { ...claims } : undefined
  } catch {
    return undefined
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
