// SPDX-License-Identifier: Apache-2.0
export { Broker, type BrokerOptions } from './broker.ts'
export { BrokerConfig, ownDefaults } from './config/broker-config.ts'
export { brokerConfigDefinitions } from './config/broker-config-definitions.ts'
export { type ConfigDefinition, ConfigError } from './config/config-definition.ts'
export { topicConfigDefinitions } from './config/topic-config-definitions.ts'
export { handlers } from './handlers/index.ts'
export { NEWEST_RELEASE, releases } from './metadata/metadata-version.ts'
export type {
  SchemaLookup,
  SchemaQuestion,
  SubjectStrategy,
} from './record-schemas/schema-lookup.ts'
export type { AuthenticationContext, PrincipalBuilder } from './security/authentication.ts'
export { BrokerSecurity } from './security/broker-security.ts'
export type { PlainAuthenticator, PlainLogin } from './security/sasl/plain.ts'
