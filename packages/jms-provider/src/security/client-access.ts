// SPDX-License-Identifier: Apache-2.0
import { AmqpError, Condition } from '@millrace/amqp'
import type { AccessAction, ClientIdentity, ProviderSecurity } from './provider-security.ts'

const CLUSTER_NAME = 'kafka-cluster'

/**
 * Permissions of one JMS client, as in Kafka for the same operations: sending needs WRITE on the
 * topic, receiving READ on the topic and on the group of the subscription, browsing READ on the
 * topic, creating a destination CREATE on its topic or on the cluster, deleting it DELETE on the
 * topic.
 */
export class ClientAccess {
  readonly #authorize: ProviderSecurity['authorize']
  readonly #client: ClientIdentity

  constructor(security: ProviderSecurity | undefined, client: ClientIdentity) {
    this.#authorize = security?.authorize
    this.#client = client
  }

  /** Whether there is no authorizer, so that nothing needs to be checked. */
  get isOpen(): boolean {
    return this.#authorize === undefined
  }

  /** Whether the client is allowed the operation. */
  allows(
    operation: AccessAction['operation'],
    resourceType: AccessAction['resourceType'],
    resourceName: string,
  ): boolean {
    return this.#authorize?.(this.#client, { operation, resourceType, resourceName }) ?? true
  }

  /** Throws `amqp:unauthorized-access` unless the client is allowed the operation on a topic. */
  requireTopic(operation: AccessAction['operation'], topic: string): void {
    if (!this.allows(operation, 'TOPIC', topic)) throw this.#denial(operation, `topic ${topic}`)
  }

  /** Throws `amqp:unauthorized-access` unless the client is allowed the operation on a group. */
  requireGroup(operation: AccessAction['operation'], group: string): void {
    if (!this.allows(operation, 'GROUP', group)) throw this.#denial(operation, `group ${group}`)
  }

  /** Throws `amqp:unauthorized-access` unless the client may create a topic. */
  requireCreate(topic: string): void {
    if (this.isOpen || this.allows('CREATE', 'CLUSTER', CLUSTER_NAME)) return
    this.requireTopic('CREATE', topic)
  }

  #denial(operation: string, resource: string): AmqpError {
    return new AmqpError(
      Condition.unauthorizedAccess,
      `${this.#client.principal} is not allowed ${operation} on ${resource}`,
    )
  }
}
