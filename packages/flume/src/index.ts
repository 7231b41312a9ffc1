// SPDX-License-Identifier: Apache-2.0
export { type HttpCredentials, readCredentials } from '@millrace/base'
export { Agent, type AgentOptions, type Changes } from './agent.ts'
export type { BatchOrigin, Ranges } from './batch-origin.ts'
export type {
  Channel,
  FanOut,
  PutOptions,
  PutTransaction,
  TakeOptions,
  TakeTransaction,
} from './channel.ts'
export type { ChannelProcessor, Pipeline, ProcessOptions } from './channel-processor.ts'
export {
  type ChannelSelector,
  type ChannelSelectorContext,
  type ComponentContext,
  type Definition,
  defineChannel,
  defineChannelSelector,
  defineInterceptor,
  defineSink,
  defineSinkProcessor,
  defineSource,
  type GroupedSink,
  type Interceptor,
  type Sink,
  type SinkBatch,
  type SinkOutcome,
  type SinkProcessor,
  type SinkProcessorContext,
  type Source,
  type SourceContext,
} from './component.ts'
export { ConfigurationError } from './config/configuration-error.ts'
export {
  boolean,
  choice,
  decimal,
  integer,
  type Key,
  type Keys,
  optionalBoolean,
  optionalInteger,
  optionalText,
  parsed,
  port,
  prefixed,
  requiredInteger,
  requiredParsed,
  requiredText,
  requiredWords,
  text,
  type ValuesOf,
  words,
} from './config/keys.ts'
export { type ConfigProblem, type Effect, problemText } from './config/problem.ts'
export type { ConfigText } from './config/read-agents.ts'
export { type AgentDefinition, defineAgent, startAgent } from './define-agent.ts'
export { ChannelError, ChannelFullError, ComponentError, DeliveryError } from './errors.ts'
export { Event, type Headers, type Hop, hopsOf, type Lineage, newHeaders } from './event.ts'
export type { EventFunction } from './interceptors/function-interceptor.ts'
export { type CheckedAgent, checkAgents, type LoadOptions, loadAgents } from './load-agents.ts'
export { Counters } from './operation/counters.ts'
export { OperationServer, type OperationServerOptions } from './operation/server.ts'
export type { AgentPlan } from './plan/plan-agent.ts'
export { builtIn, type ComponentRole } from './plan/registry.ts'
export type {
  EventDeserializer,
  EventReader,
  FileBatch,
  InputOptions,
} from './serialization/deserializers.ts'
export type { EventSerializer } from './serialization/serializers.ts'
export type { HttpHandler, HttpRequest } from './sources/http-source.ts'
