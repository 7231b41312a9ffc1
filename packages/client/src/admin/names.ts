// SPDX-License-Identifier: Apache-2.0
import { InvalidOptionError } from '../options.ts'

/* Kafka's enumerations, by the numbers they have on the wire. */

/** Types of resources that have a configuration, by Kafka's codes. */
export const ConfigResourceType = {
  topic: 2,
  broker: 4,
  'broker-logger': 8,
  'client-metrics': 16,
  group: 32,
} as const
/** Types of resources that have a configuration, by Kafka's codes. */
export type ConfigResourceType = keyof typeof ConfigResourceType

/** Sources of a configuration value, by Kafka's codes. */
export const ConfigSource = {
  UNKNOWN: 0,
  DYNAMIC_TOPIC_CONFIG: 1,
  DYNAMIC_BROKER_CONFIG: 2,
  DYNAMIC_DEFAULT_BROKER_CONFIG: 3,
  STATIC_BROKER_CONFIG: 4,
  DEFAULT_CONFIG: 5,
  DYNAMIC_BROKER_LOGGER_CONFIG: 6,
  DYNAMIC_CLIENT_METRICS_CONFIG: 7,
  DYNAMIC_GROUP_CONFIG: 8,
} as const
/** Sources of a configuration value, by Kafka's codes. */
export type ConfigSource = keyof typeof ConfigSource

/** Types of configuration values, by Kafka's codes. */
export const ConfigType = {
  UNKNOWN: 0,
  BOOLEAN: 1,
  STRING: 2,
  INT: 3,
  SHORT: 4,
  LONG: 5,
  DOUBLE: 6,
  LIST: 7,
  CLASS: 8,
  PASSWORD: 9,
} as const
/** Types of configuration values, by Kafka's codes. */
export type ConfigType = keyof typeof ConfigType

/** Changes of a configuration key, by Kafka's codes. */
export const AlterConfigOperation = { set: 0, delete: 1, append: 2, subtract: 3 } as const
/** Changes of a configuration key, by Kafka's codes. */
export type AlterConfigOperation = keyof typeof AlterConfigOperation

/** Types of resources of ACLs, by Kafka's codes. */
export const AclResourceType = {
  any: 1,
  topic: 2,
  group: 3,
  cluster: 4,
  transactionalId: 5,
  delegationToken: 6,
  user: 7,
} as const
/** Types of resources of ACLs, by Kafka's codes. */
export type AclResourceType = keyof typeof AclResourceType

/** How an ACL names its resource, by Kafka's codes. */
export const AclPatternType = { any: 1, match: 2, literal: 3, prefixed: 4 } as const
/** How an ACL names its resource, by Kafka's codes. */
export type AclPatternType = keyof typeof AclPatternType

/** Operations of ACLs, by Kafka's codes. */
export const AclOperation = {
  any: 1,
  all: 2,
  read: 3,
  write: 4,
  create: 5,
  delete: 6,
  alter: 7,
  describe: 8,
  clusterAction: 9,
  describeConfigs: 10,
  alterConfigs: 11,
  idempotentWrite: 12,
  createTokens: 13,
  describeTokens: 14,
  twoPhaseCommit: 15,
} as const
/** Operations of ACLs, by Kafka's codes. */
export type AclOperation = keyof typeof AclOperation

/** Whether an ACL allows or denies, by Kafka's codes. */
export const AclPermission = { any: 1, deny: 2, allow: 3 } as const
/** Whether an ACL allows or denies, by Kafka's codes. */
export type AclPermission = keyof typeof AclPermission

/** SCRAM mechanisms, by Kafka's codes. */
export const ScramMechanism = { 'SCRAM-SHA-256': 1, 'SCRAM-SHA-512': 2 } as const
/** SCRAM mechanisms, by Kafka's codes. */
export type ScramMechanism = keyof typeof ScramMechanism

/** Types of leader elections, by Kafka's codes. */
export const ElectionType = { preferred: 0, unclean: 1 } as const
/** Types of leader elections, by Kafka's codes. */
export type ElectionType = keyof typeof ElectionType

/** Types of feature changes, by Kafka's codes. */
export const UpgradeType = { upgrade: 1, safeDowngrade: 2, unsafeDowngrade: 3 } as const
/** Types of feature changes, by Kafka's codes. */
export type UpgradeType = keyof typeof UpgradeType

/** The number of a name; throws an error that lists the allowed names. */
export function codeOf<T extends Readonly<Record<string, number>>>(
  what: string,
  names: T,
  name: keyof T & string,
): number {
  const code = Object.hasOwn(names, name) ? names[name] : undefined
  if (code === undefined) throw new InvalidOptionError(what, name, Object.keys(names).join(', '))
  return code
}

/** The name of a number; numbers of later versions are returned as text. */
export function nameOf<T extends Readonly<Record<string, number>>>(
  names: T,
  code: number,
): keyof T & string {
  const found = Object.entries(names).find(([, each]) => each === code)
  return (found?.[0] ?? String(code)) as keyof T & string
}

/**
 * Names of the bits of an authorized-operations field; undefined if the broker did not return it.
 */
export function operationsOf(bits: number): AclOperation[] | undefined {
  if (bits === -2147483648) return undefined
  const names = Object.keys(AclOperation) as AclOperation[]
  return names.filter((name) => ((bits >> AclOperation[name]) & 1) === 1)
}
