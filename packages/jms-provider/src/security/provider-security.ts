// SPDX-License-Identifier: Apache-2.0
import type { TokenUser } from '@millrace/amqp'
import type { ScramCredential, ScramDigest } from '@millrace/base'

/** An authenticated client, as ACLs name it. */
export interface ClientIdentity {
  /** `User:alice`; `User:ANONYMOUS` for a client without a user. */
  readonly principal: string
  /** IP address of the client. */
  readonly host: string
}

/** Operations of Kafka's ACLs that JMS clients need. */
export type AccessOperation = 'READ' | 'WRITE' | 'CREATE' | 'DELETE' | 'DESCRIBE'

/** A Kafka resource and an operation on it. */
export interface AccessAction {
  /** Operation on the resource. */
  readonly operation: AccessOperation
  /** Type of the resource. */
  readonly resourceType: 'TOPIC' | 'GROUP' | 'CLUSTER'
  /** Name of the resource; `kafka-cluster` for the cluster. */
  readonly resourceName: string
}

/**
 * Users and permissions of the cluster, so that a user is the same on every port: the credentials
 * and ACLs that apply to Kafka clients apply to JMS clients.
 */
export interface ProviderSecurity {
  /** Whether clients must authenticate although `amqp.users` is empty. */
  readonly requiresAuthentication: boolean
  /** SCRAM mechanisms whose credentials `scramCredential` has. Empty if it has none. */
  readonly scramDigests: readonly ScramDigest[]
  /** Whether the password is the user's. `host` is the client's IP address. */
  checkPassword(username: string, password: string, host: string): Promise<boolean>
  /** The user's SCRAM credential; undefined for an unknown user. */
  scramCredential(username: string, digest: ScramDigest): Promise<ScramCredential | undefined>
  /** Whether clients may authenticate with OAuth tokens. Default false. */
  readonly acceptsTokens?: boolean
  /**
   * User of an OAuth token; undefined if it is not accepted. `host` is the client's IP address,
   * `subjectClaim` the claim with the user if the token is checked elsewhere.
   */
  checkToken?(token: string, host: string, subjectClaim: string): Promise<TokenUser | undefined>
  /**
   * User of a trusted certificate, DER. Throws if its subject has none. Default: the user that
   * `amqp.tls.principal.mapping.rules` returns.
   */
  certificateName?(certificate: Buffer): string
  /** Called when the provider has closed. */
  close?(): Promise<void>
  /** Whether a client is allowed an operation. Absent without an authorizer: all are allowed. */
  readonly authorize?: ((client: ClientIdentity, action: AccessAction) => boolean) | undefined
}
