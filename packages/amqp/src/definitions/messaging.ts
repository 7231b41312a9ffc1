// SPDX-License-Identifier: Apache-2.0
import { composite, type FieldTypes, type ValueOf } from '../codec/composite.ts'

/** AMQP 1.0, part 3, section 3.2: the sections of a message. */
export const HeaderSection = composite('header', 0x70, 'header', {
  durable: 'boolean',
  priority: 'ubyte',
  ttl: 'uint',
  firstAcquirer: 'boolean',
  deliveryCount: 'uint',
})
/** Transfer headers; an absent `priority` is 4, an absent `ttl` is for ever, in milliseconds. */
export type HeaderSection = Omit<ValueOf<typeof HeaderSection>, 'kind'>

/** The properties section of a message: ids, addresses, content type, group. */
export const PropertiesSection = composite('properties', 0x73, 'properties', {
  messageId: 'any',
  userId: 'binary',
  to: 'string',
  subject: 'string',
  replyTo: 'string',
  correlationId: 'any',
  contentType: 'symbol',
  contentEncoding: 'symbol',
  absoluteExpiryTime: 'timestamp',
  creationTime: 'timestamp',
  groupId: 'string',
  groupSequence: 'uint',
  replyToGroupId: 'string',
})
/** The message's standard properties; times are milliseconds since 1970. */
export type PropertiesSection = Omit<ValueOf<typeof PropertiesSection>, 'kind'>

/** Section 3.4: delivery states and outcomes. */
export const Received = composite('received', 0x23, 'received', {
  sectionNumber: 'uint!',
  sectionOffset: 'ulong!',
})
export const Accepted = composite('accepted', 0x24, 'accepted', {})
export const Rejected = composite('rejected', 0x25, 'rejected', { error: 'composite' })
export const Released = composite('released', 0x26, 'released', {})
export const Modified = composite('modified', 0x27, 'modified', {
  deliveryFailed: 'boolean',
  undeliverableHere: 'boolean',
  messageAnnotations: 'fields',
})

/** Section 2.8.14 of part 2. */
export const ErrorDefinition = composite('error', 0x1d, 'error', {
  condition: 'symbol!',
  description: 'string',
  info: 'fields',
})
/** An error as the wire has it: condition, description, details. */
export type ErrorCondition = ValueOf<typeof ErrorDefinition>

/** Section 3.5: sources and targets. */
export const SourceDefinition = composite('source', 0x28, 'source', {
  address: 'any',
  durable: 'uint',
  expiryPolicy: 'symbol',
  timeout: 'uint',
  dynamic: 'boolean',
  dynamicNodeProperties: 'fields',
  distributionMode: 'symbol',
  filter: 'fields',
  defaultOutcome: 'composite',
  outcomes: 'symbols',
  capabilities: 'symbols',
})
/** Source of a link: where messages come from. */
export type Source = ValueOf<typeof SourceDefinition>

export const TargetDefinition = composite('target', 0x29, 'target', {
  address: 'any',
  durable: 'uint',
  expiryPolicy: 'symbol',
  timeout: 'uint',
  dynamic: 'boolean',
  dynamicNodeProperties: 'fields',
  capabilities: 'symbols',
})
/** Target of a link: where messages go to. */
export type Target = ValueOf<typeof TargetDefinition>

for (const [kind, code, name] of [
  ['deleteOnClose', 0x2b, 'delete-on-close'],
  ['deleteOnNoLinks', 0x2c, 'delete-on-no-links'],
  ['deleteOnNoMessages', 0x2d, 'delete-on-no-messages'],
  ['deleteOnNoLinksOrMessages', 0x2e, 'delete-on-no-links-or-messages'],
] as const) {
  composite(kind, code, name, {})
}

/** Part 4, section 4.5: transactions. */
export const CoordinatorDefinition = composite('coordinator', 0x30, 'coordinator', {
  capabilities: 'symbols',
})
/** Target of a link to the coordinator of transactions. */
export type Coordinator = ValueOf<typeof CoordinatorDefinition>
export const Declare = composite('declare', 0x31, 'declare', { globalId: 'any' })
export const Discharge = composite('discharge', 0x32, 'discharge', {
  txnId: 'binary!',
  fail: 'boolean',
})
export const Declared = composite('declared', 0x33, 'declared', { txnId: 'binary!' })
export const TransactionalState = composite('transactionalState', 0x34, 'transactional-state', {
  txnId: 'binary!',
  outcome: 'composite',
})

/** The four outcomes that end a delivery. */
export type Outcome =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'rejected'; readonly error?: ErrorCondition | undefined }
  | { readonly kind: 'released' }
  | {
      readonly kind: 'modified'
      /** Whether the delivery counts as a failed attempt. */
      readonly deliveryFailed?: boolean | undefined
      /** Whether the message must not be delivered to this link again. */
      readonly undeliverableHere?: boolean | undefined
      /** Annotations to be merged into the message. */
      readonly messageAnnotations?: FieldTypes['fields'] | undefined
    }

/** Anything a disposition or a transfer can say of a delivery. */
export type DeliveryState =
  | Outcome
  | { readonly kind: 'received'; readonly sectionNumber: number; readonly sectionOffset: bigint }
  | { readonly kind: 'declared'; readonly txnId: Buffer }
  | {
      readonly kind: 'transactionalState'
      /** Transaction that the outcome belongs to. */
      readonly txnId: Buffer
      /** Outcome within the transaction. */
      readonly outcome?: Outcome | undefined
    }

/** The outcome of a message that was consumed. */
export const accepted: Outcome = { kind: 'accepted' }
/** The outcome of a message that is given back unconsumed. */
export const released: Outcome = { kind: 'released' }
