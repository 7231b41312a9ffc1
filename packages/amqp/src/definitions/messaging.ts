// SPDX-License-Identifier: Apache-2.0
import { composite, type FieldTypes, type ValueOf } from '../codec/composite.ts'

/** Sections of a message (AMQP 1.0, part 3, section 3.2). */
export const HeaderSection = composite('header', 0x70, 'header', {
  durable: 'boolean',
  priority: 'ubyte',
  ttl: 'uint',
  firstAcquirer: 'boolean',
  deliveryCount: 'uint',
})
/**
 * Header section of a message. `priority` defaults to 4; `ttl` is in milliseconds and absent for
 * messages that do not expire.
 */
export type HeaderSection = Omit<ValueOf<typeof HeaderSection>, 'kind'>

/** Properties section of a message: ids, addresses, content type, group. */
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
/** Standard properties of a message. Times are milliseconds since 1970. */
export type PropertiesSection = Omit<ValueOf<typeof PropertiesSection>, 'kind'>

/** Delivery states and outcomes (section 3.4). */
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

/** Error (part 2, section 2.8.14). */
export const ErrorDefinition = composite('error', 0x1d, 'error', {
  condition: 'symbol!',
  description: 'string',
  info: 'fields',
})
/** An error as it is encoded on the wire: condition, description, details. */
export type ErrorCondition = ValueOf<typeof ErrorDefinition>

/** Sources and targets (section 3.5). */
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
/** Source of a link: the node that messages come from. */
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
/** Target of a link: the node that messages are sent to. */
export type Target = ValueOf<typeof TargetDefinition>

for (const [kind, code, name] of [
  ['deleteOnClose', 0x2b, 'delete-on-close'],
  ['deleteOnNoLinks', 0x2c, 'delete-on-no-links'],
  ['deleteOnNoMessages', 0x2d, 'delete-on-no-messages'],
  ['deleteOnNoLinksOrMessages', 0x2e, 'delete-on-no-links-or-messages'],
] as const) {
  composite(kind, code, name, {})
}

/** Transactions (part 4, section 4.5). */
export const CoordinatorDefinition = composite('coordinator', 0x30, 'coordinator', {
  capabilities: 'symbols',
})
/** Target of a link to the transaction coordinator. */
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

/** The four terminal outcomes of a delivery. */
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
      /** Annotations to merge into the message. */
      readonly messageAnnotations?: FieldTypes['fields'] | undefined
    }

/** Any state that a disposition or a transfer can carry for a delivery. */
export type DeliveryState =
  | Outcome
  | { readonly kind: 'received'; readonly sectionNumber: number; readonly sectionOffset: bigint }
  | { readonly kind: 'declared'; readonly txnId: Buffer }
  | {
      readonly kind: 'transactionalState'
      /** Id of the transaction. */
      readonly txnId: Buffer
      /** Outcome of the delivery within the transaction. */
      readonly outcome?: Outcome | undefined
    }

/** Outcome of a consumed message. */
export const accepted: Outcome = { kind: 'accepted' }
/** Outcome of a message that is returned without being consumed. */
export const released: Outcome = { kind: 'released' }
