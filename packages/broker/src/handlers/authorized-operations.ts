// SPDX-License-Identifier: Apache-2.0

/** Bit fields of the ACL operations a client may do, for requests that ask. Without an authorizer it is all there are. */
export const AuthorizedOperations = {
  /** CREATE, ALTER, DESCRIBE, CLUSTER_ACTION, DESCRIBE_CONFIGS, ALTER_CONFIGS, IDEMPOTENT_WRITE */
  cluster: (1 << 5) | (1 << 7) | (1 << 8) | (1 << 9) | (1 << 10) | (1 << 11) | (1 << 12),
  /** READ, WRITE, CREATE, DELETE, ALTER, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS */
  topic: (1 << 3) | (1 << 4) | (1 << 5) | (1 << 6) | (1 << 7) | (1 << 8) | (1 << 10) | (1 << 11),
  /** READ, DELETE, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS */
  group: (1 << 3) | (1 << 6) | (1 << 8) | (1 << 10) | (1 << 11),
  /** Not asked for. */
  omitted: -2147483648,
} as const
