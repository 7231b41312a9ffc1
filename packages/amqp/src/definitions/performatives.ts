// SPDX-License-Identifier: Apache-2.0
import { composite, type ValueOf } from '../codec/composite.ts'
import type { Coordinator, DeliveryState, ErrorCondition, Source, Target } from './messaging.ts'

/** Performatives: the bodies of AMQP frames (AMQP 1.0, part 2, section 2.7). */
export const OpenDefinition = composite('open', 0x10, 'open', {
  containerId: 'string!',
  hostname: 'string',
  maxFrameSize: 'uint',
  channelMax: 'ushort',
  idleTimeout: 'uint',
  outgoingLocales: 'symbols',
  incomingLocales: 'symbols',
  offeredCapabilities: 'symbols',
  desiredCapabilities: 'symbols',
  properties: 'fields',
})
/**
 * Open performative. `idleTimeout` is in milliseconds, `maxFrameSize` in bytes (default 4 GiB),
 * `channelMax` is the highest channel number.
 */
export type Open = ValueOf<typeof OpenDefinition>

export const BeginDefinition = composite('begin', 0x11, 'begin', {
  remoteChannel: 'ushort',
  nextOutgoingId: 'uint!',
  incomingWindow: 'uint!',
  outgoingWindow: 'uint!',
  handleMax: 'uint',
  offeredCapabilities: 'symbols',
  desiredCapabilities: 'symbols',
  properties: 'fields',
})
export type Begin = ValueOf<typeof BeginDefinition>

export const AttachDefinition = composite('attach', 0x12, 'attach', {
  name: 'string!',
  handle: 'uint!',
  /** True for the receiving end. */
  role: 'boolean!',
  /** 0 unsettled, 1 settled, 2 mixed. */
  sndSettleMode: 'ubyte',
  /** 0 first, 1 second. */
  rcvSettleMode: 'ubyte',
  source: 'composite',
  target: 'composite',
  unsettled: 'map',
  incompleteUnsettled: 'boolean',
  initialDeliveryCount: 'uint',
  maxMessageSize: 'ulong',
  offeredCapabilities: 'symbols',
  desiredCapabilities: 'symbols',
  properties: 'fields',
})
/** The attach performative. */
export type Attach = Omit<ValueOf<typeof AttachDefinition>, 'source' | 'target'> & {
  /** Source of the link: the node that messages come from. */
  readonly source?: Source | undefined
  /** Target of the link: the node that messages are sent to. */
  readonly target?: Target | Coordinator | undefined
}

export const FlowDefinition = composite('flow', 0x13, 'flow', {
  nextIncomingId: 'uint',
  incomingWindow: 'uint!',
  nextOutgoingId: 'uint!',
  outgoingWindow: 'uint!',
  handle: 'uint',
  deliveryCount: 'uint',
  linkCredit: 'uint',
  available: 'uint',
  drain: 'boolean',
  echo: 'boolean',
  properties: 'fields',
})
export type Flow = ValueOf<typeof FlowDefinition>

export const TransferDefinition = composite('transfer', 0x14, 'transfer', {
  handle: 'uint!',
  deliveryId: 'uint',
  deliveryTag: 'binary',
  messageFormat: 'uint',
  settled: 'boolean',
  more: 'boolean',
  rcvSettleMode: 'ubyte',
  state: 'composite',
  resume: 'boolean',
  aborted: 'boolean',
  batchable: 'boolean',
})
export type Transfer = Omit<ValueOf<typeof TransferDefinition>, 'state'> & {
  readonly state?: DeliveryState | undefined
}

export const DispositionDefinition = composite('disposition', 0x15, 'disposition', {
  role: 'boolean!',
  first: 'uint!',
  last: 'uint',
  settled: 'boolean',
  state: 'composite',
  batchable: 'boolean',
})
export type Disposition = Omit<ValueOf<typeof DispositionDefinition>, 'state'> & {
  readonly state?: DeliveryState | undefined
}

export const DetachDefinition = composite('detach', 0x16, 'detach', {
  handle: 'uint!',
  closed: 'boolean',
  error: 'composite',
})
/** The detach performative. */
export type Detach = Omit<ValueOf<typeof DetachDefinition>, 'error'> & {
  /** Reason for detaching the link. */
  readonly error?: ErrorCondition | undefined
}

export const EndDefinition = composite('end', 0x17, 'end', { error: 'composite' })
export type End = { readonly kind: 'end'; readonly error?: ErrorCondition | undefined }

export const CloseDefinition = composite('close', 0x18, 'close', { error: 'composite' })
export type Close = { readonly kind: 'close'; readonly error?: ErrorCondition | undefined }

export type Performative =
  | Open
  | Begin
  | Attach
  | Flow
  | Transfer
  | Disposition
  | Detach
  | End
  | Close

/** SASL frames (part 5, section 5.3.3). */
export const SaslMechanismsDefinition = composite('saslMechanisms', 0x40, 'sasl-mechanisms', {
  mechanisms: 'symbols!',
})
export const SaslInitDefinition = composite('saslInit', 0x41, 'sasl-init', {
  mechanism: 'symbol!',
  initialResponse: 'binary',
  hostname: 'string',
})
export const SaslChallengeDefinition = composite('saslChallenge', 0x42, 'sasl-challenge', {
  challenge: 'binary!',
})
export const SaslResponseDefinition = composite('saslResponse', 0x43, 'sasl-response', {
  response: 'binary!',
})
export const SaslOutcomeDefinition = composite('saslOutcome', 0x44, 'sasl-outcome', {
  /** 0 ok, 1 auth, 2 sys, 3 sys-perm, 4 sys-temp. */
  code: 'ubyte!',
  additionalData: 'binary',
})

export type SaslFrame =
  | ValueOf<typeof SaslMechanismsDefinition>
  | ValueOf<typeof SaslInitDefinition>
  | ValueOf<typeof SaslChallengeDefinition>
  | ValueOf<typeof SaslResponseDefinition>
  | ValueOf<typeof SaslOutcomeDefinition>
