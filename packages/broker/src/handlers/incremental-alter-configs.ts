// SPDX-License-Identifier: Apache-2.0
import { IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse } from '@millrace/protocol'
import type { ConfigChange } from '../metadata/config-operations.ts'
import { alterResources } from './alter-resources.ts'
import { defineHandler } from './handler.ts'

/**
 * IncrementalAlterConfigs (key 44): sets, deletes, appends to or subtracts from single keys
 * (KIP-339).
 */
export const incrementalAlterConfigs = defineHandler(
  IncrementalAlterConfigsRequest,
  IncrementalAlterConfigsResponse,
  async (request, context) => ({
    throttleTimeMs: 0,
    responses: await alterResources(context, {
      validateOnly: request.validateOnly,
      resources: request.resources.map((resource) => ({
        type: resource.resourceType,
        name: resource.resourceName,
        changes: (): ConfigChange[] =>
          resource.configs.map(({ name, configOperation, value }) => ({
            name,
            operation: configOperation,
            value,
          })),
      })),
    }),
  }),
)
