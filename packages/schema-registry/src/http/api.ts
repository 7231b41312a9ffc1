// SPDX-License-Identifier: Apache-2.0
import type { SchemaStore } from '../store/schema-store.ts'
import type { ApiReply, ApiRequest } from './api-request.ts'
import { compatibilityRoutes } from './compatibility-routes.ts'
import { contextRoutes } from './context-routes.ts'
import { schemaRoutes } from './schema-routes.ts'
import { settingsRoutes } from './settings-routes.ts'
import { subjectRoutes } from './subject-routes.ts'
import { versionRoutes } from './version-routes.ts'

/** What the API shows of the registry itself. */
export interface RegistryIdentity {
  /** Id of the Kafka cluster. */
  readonly kafkaClusterId: string
  /** Group of registries (`schema.registry.group.id`). */
  readonly groupId: string
  /** Version of this program. */
  readonly version: string
}

/** What the routes work on. */
export interface Api {
  /** State and changes. */
  readonly store: SchemaStore
  /** The registry itself. */
  readonly identity: RegistryIdentity
  /** Whether modes may be changed (`mode.mutability`). */
  readonly allowsModeChanges: boolean
}

/** A method of a path. */
export interface Route {
  /** Method. */
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Path; `{name}` is any segment. */
  readonly path: string
  /** Whether it changes the state, so that only the leader answers it. */
  readonly isWrite?: boolean
  /**
   * Answers a request that changes nothing although it might, in any registry and without the
   * broker; undefined if it has to be handled.
   */
  readonly withoutWriting?: (api: Api, request: ApiRequest) => ApiReply | undefined
  /** Answers a request. */
  readonly handle: (api: Api, request: ApiRequest) => ApiReply | Promise<ApiReply>
}

/** All methods of all paths. */
export const routes: readonly Route[] = [
  ...schemaRoutes,
  ...subjectRoutes,
  ...versionRoutes,
  ...compatibilityRoutes,
  ...settingsRoutes,
  ...contextRoutes,
]
