// SPDX-License-Identifier: Apache-2.0
import type { FileSystem, Logger, World } from '@millrace/base'
import type { BrokerConfig } from './config/broker-config.ts'
import type { GroupCoordinator } from './coordinator/group/group-coordinator.ts'
import type { ShareStateCoordinator } from './coordinator/share/share-state-coordinator.ts'
import type { TransactionAdmission } from './coordinator/transaction/transaction-admission.ts'
import type { TransactionCoordinator } from './coordinator/transaction/transaction-coordinator.ts'
import type { TransactionMarkers } from './coordinator/transaction/transaction-markers.ts'
import type { FetchSessions } from './handlers/fetch-sessions.ts'
import type { Handler } from './handlers/handler.ts'
import type { LogManager } from './log/log-manager.ts'
import type { MetadataStore } from './metadata/metadata-store.ts'
import type { NewTopic, TopicDefaults } from './metadata/topic-operations.ts'
import type { ProducerIds } from './producer-ids.ts'
import type { Quotas } from './quota/quotas.ts'
import type { RecordSchemas } from './record-schemas/record-schemas.ts'
import type { PrincipalBuilder } from './security/authentication.ts'
import type { Authorization } from './security/authorization.ts'
import type { SaslContext } from './security/sasl/sasl-listener.ts'
import type { ShareGroups } from './share/share-groups.ts'
import type { SharePartitions } from './share/share-partitions.ts'
import type { ShareSessions } from './share/share-sessions.ts'
import type { Topics } from './topics.ts'

/** The parts of the broker that request handlers use. */
export interface BrokerServices {
  readonly world: World
  readonly logger: Logger
  readonly logLevel: string
  readonly config: BrokerConfig
  readonly clusterId: string
  readonly nodeId: number
  readonly rack: string | null
  readonly handlers: ReadonlyMap<number, Handler>
  /** Undefined without an authorizer: everything is allowed. */
  readonly authorization: Authorization | undefined
  readonly quotas: Quotas
  readonly metadata: MetadataStore
  readonly topics: Topics
  readonly logs: LogManager
  readonly groups: GroupCoordinator
  readonly transactions: TransactionCoordinator
  readonly transactionMarkers: TransactionMarkers
  readonly transactionAdmission: TransactionAdmission
  readonly shareStates: ShareStateCoordinator
  readonly shareGroups: ShareGroups
  readonly sharePartitions: SharePartitions
  readonly shareSessions: ShareSessions
  readonly producerIds: ProducerIds
  /** Undefined without a schema registry. */
  readonly recordSchemas: RecordSchemas | undefined
  readonly fetchSessions: FetchSessions
  readonly topicDefaults: TopicDefaults
  readonly authentication: {
    readonly sasl: SaslContext
    readonly principalBuilder: PrincipalBuilder | undefined
    /** Where keys and certificates are, also if the data is in memory. */
    readonly certificateFiles: FileSystem
  }
  newUuid(): string
  newMemberId(): string
  /** Creates a topic; throws `ProtocolError` if the request is invalid or the topic exists. */
  createTopic(topic: NewTopic): Promise<void>
}
