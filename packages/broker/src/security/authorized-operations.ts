// SPDX-License-Identifier: Apache-2.0
import type { AclOperation } from '@millrace/protocol'

/** Bit fields of the operations of each kind of resource, for requests that include them. */
export const AuthorizedOperations = {
  /** CREATE, ALTER, DESCRIBE, CLUSTER_ACTION, DESCRIBE_CONFIGS, ALTER_CONFIGS, IDEMPOTENT_WRITE */
  cluster: (1 << 5) | (1 << 7) | (1 << 8) | (1 << 9) | (1 << 10) | (1 << 11) | (1 << 12),
  /** READ, WRITE, CREATE, DELETE, ALTER, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS */
  topic: (1 << 3) | (1 << 4) | (1 << 5) | (1 << 6) | (1 << 7) | (1 << 8) | (1 << 10) | (1 << 11),
  /** READ, DELETE, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS */
  group: (1 << 3) | (1 << 6) | (1 << 8) | (1 << 10) | (1 << 11),
  /** Not requested. */
  omitted: -2147483648,
} as const

/** Operations of a bit field. */
export function operationsOf(bits: number): AclOperation[] {
  const operations: AclOperation[] = []
  // Codes of operations are bit numbers.
  for (let code = 0; code < 31; code++) {
    if ((bits & (1 << code)) !== 0) operations.push(code as AclOperation)
  }
  return operations
}
