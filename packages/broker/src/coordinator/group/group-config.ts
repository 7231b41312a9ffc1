// SPDX-License-Identifier: Apache-2.0

/** Limits of groups, from the broker's configuration. */
export interface GroupConfig {
  readonly minSessionTimeoutMs: number
  readonly maxSessionTimeoutMs: number
  readonly initialRebalanceDelayMs: number
  readonly maxSize: number
  readonly offsetMetadataMaxBytes: number
  readonly offsetsRetentionMs: number
  readonly consumer: ConsumerGroupConfig
  readonly share: { readonly maxSize: number }
  readonly streams: { readonly maxSize: number }
  readonly settings: GroupSettings
}

export type MigrationPolicy = 'disabled' | 'upgrade' | 'downgrade' | 'bidirectional'

export interface ConsumerGroupConfig {
  readonly maxSize: number
  /** Names of server-side assignors; the first is the default. */
  readonly assignors: readonly string[]
  readonly migrationPolicy: MigrationPolicy
}

/**
 * Configuration of single groups (`ConfigResource` type GROUP), for example
 * `consumer.session.timeout.ms`.
 */
export interface GroupSettings {
  number(groupId: string, name: string): number
  text(groupId: string, name: string): string
}
