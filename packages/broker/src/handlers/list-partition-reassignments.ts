// SPDX-License-Identifier: Apache-2.0
import {
  ErrorCode,
  ListPartitionReassignmentsRequest,
  ListPartitionReassignmentsResponse,
} from '@millrace/protocol'
import { defineHandler } from './handler.ts'

/** ListPartitionReassignments (key 46): one node never has any under way. */
export const listPartitionReassignments = defineHandler(
  ListPartitionReassignmentsRequest,
  ListPartitionReassignmentsResponse,
  () => ({ throttleTimeMs: 0, errorCode: ErrorCode.NONE, errorMessage: null, topics: [] }),
)
