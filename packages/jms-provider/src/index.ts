// SPDX-License-Identifier: Apache-2.0
export { type DestinationPolicy, defaultPolicy } from './config/destination-policy.ts'
export {
  destinationSettings,
  ProviderConfig,
  ProviderConfigError,
  providerSettings,
} from './config/provider-config.ts'
export { JmsProvider, type ProviderOptions, type ProviderWorld } from './provider.ts'
export {
  type ClusterAclSettings,
  ClusterSecurity,
  type ClusterSecurityContext,
} from './security/cluster-security.ts'
export type {
  AccessAction,
  AccessOperation,
  ClientIdentity,
  ProviderSecurity,
} from './security/provider-security.ts'
export { InvalidSelectorError } from './selector/lexer.ts'
export { type Selectable, Selector, type SelectorValue } from './selector/selector.ts'
export type { ProviderUsage } from './usage.ts'
