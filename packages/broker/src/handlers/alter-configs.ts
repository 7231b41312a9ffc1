// SPDX-License-Identifier: Apache-2.0
import { AlterConfigsRequest, AlterConfigsResponse } from '@millrace/protocol'
import { ConfigOperation } from '../metadata/config-operations.ts'
import { alterResources } from './alter-resources.ts'
import { defineHandler } from './handler.ts'

/** AlterConfigs (key 33): replaces the whole configuration of a resource; kept for old clients. */
export const alterConfigs = defineHandler(
  AlterConfigsRequest,
  AlterConfigsResponse,
  async (request, context) => ({
    throttleTimeMs: 0,
    responses: await alterResources(context, {
      validateOnly: request.validateOnly,
      resources: request.resources.map(({ resourceType, resourceName, configs }) => ({
        type: resourceType,
        name: resourceName,
        changes: (current) => {
          const given = new Set(configs.map(({ name }) => name))
          return [
            ...configs.map(({ name, value }) => ({ name, operation: ConfigOperation.set, value })),
            ...[...current.keys()]
              .filter((name) => !given.has(name))
              .map((name) => ({ name, operation: ConfigOperation.delete, value: null })),
          ]
        },
      })),
    }),
  }),
)
