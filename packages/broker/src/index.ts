// SPDX-License-Identifier: Apache-2.0
export { Broker, type BrokerOptions } from './broker.ts'
export { BrokerConfig, ownDefaults } from './config/broker-config.ts'
export { brokerConfigDefinitions } from './config/broker-config-definitions.ts'
export { type ConfigDefinition, ConfigError } from './config/config-definition.ts'
export { topicConfigDefinitions } from './config/topic-config-definitions.ts'
export { handlers } from './handlers/index.ts'
export { NEWEST_RELEASE, releases } from './metadata/metadata-version.ts'
export { AclOperation, PatternType, PermissionType, ResourceType } from './security/acl-types.ts'
export type { AuthenticationContext, PrincipalBuilder } from './security/authentication.ts'
export {
  type Action,
  type Decision,
  type Rule,
  StandardAuthorizer,
  type Subject,
} from './security/authorizer.ts'
export { BrokerSecurity } from './security/broker-security.ts'
export { hostText } from './security/host-matcher.ts'
export type { PlainAuthenticator, PlainLogin } from './security/sasl/plain.ts'
