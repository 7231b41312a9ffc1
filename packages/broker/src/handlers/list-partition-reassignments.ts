// SPDX-License-Identifier: Apache-2.0
import {
  ErrorCode,
  ListPartitionReassignmentsRequest,
  ListPartitionReassignmentsResponse,
} from '@millrace/protocol'
import { defineHandler } from './handler.ts'
import { denialOf } from './outcome.ts'

/** ListPartitionReassignments (key 46): a single node never has any. */
export const listPartitionReassignments = defineHandler(
  ListPartitionReassignmentsRequest,
  ListPartitionReassignmentsResponse,
  (_request, { access }) => {
    const denial = denialOf(() => access.requireClusterByName())
    return {
      throttleTimeMs: 0,
      errorCode: denial?.errorCode ?? ErrorCode.NONE,
      errorMessage: denial?.message ?? null,
      topics: [],
    }
  },
)
