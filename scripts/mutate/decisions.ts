// SPDX-License-Identifier: Apache-2.0

/** A decision whose unit test must notice each change of it. */
export interface Decision {
  readonly name: string
  readonly file: string
  /** Functions and methods that decide; the whole file if absent. */
  readonly functions?: readonly string[]
  readonly tests: readonly string[]
  /** Mutants that change nothing which can be observed, as the report prints them, and why. */
  readonly equivalent?: Readonly<Record<string, string>>
}

const client = 'packages/client/src'
const broker = 'packages/broker/src'
const groups = `${broker}/coordinator/group`
const jms = 'packages/jms/src'
const provider = 'packages/jms-provider/src'

/** The most important decisions of client, broker and JMS. */
export const decisions: readonly Decision[] = [
  {
    name: 'outcome of a produced batch',
    file: `${client}/producer/produce-outcome.ts`,
    tests: [`${client}/producer/produce-outcome.test.ts`],
  },
  {
    name: 'states of a transactional producer',
    file: `${client}/producer/transaction-manager.ts`,
    functions: [
      'begin',
      'checkSend',
      'fail',
      'mayWrite',
      'startEnd',
      'end',
      '#ended',
      'isAborting',
    ],
    tests: [`${client}/producer/transaction-manager.test.ts`],
  },
  {
    name: 'leaders in metadata',
    file: `${client}/metadata/metadata.ts`,
    tests: [`${client}/metadata/metadata.test.ts`],
  },
  {
    name: 'errors of a classic member',
    file: `${client}/consumer/group/classic-member.ts`,
    functions: ['#refused', '#heartbeatAnswered', '#lose', '#fail', 'leave', 'requestJoin'],
    tests: [`${client}/consumer/group/classic-membership.test.ts`],
  },
  {
    name: 'fetch sessions of the client',
    file: `${client}/consumer/fetch-session.ts`,
    tests: [`${client}/consumer/fetch-session.test.ts`],
  },
  {
    name: 'fetch sessions of the broker',
    file: `${broker}/handlers/fetch-sessions.ts`,
    functions: ['plan', '#open', '#makeRoom', 'changedOnly', 'keyOf', 'withoutRepetition'],
    tests: [`${broker}/handlers/fetch-sessions.test.ts`],
  },
  {
    name: 'reconciliation of a consumer member',
    file: `${groups}/consumer/reconcile.ts`,
    tests: [`${groups}/consumer/reconcile.test.ts`],
  },
  {
    name: 'epochs of members',
    file: `${groups}/modern/member-errors.ts`,
    functions: ['throwIfFencedEpoch'],
    tests: [`${groups}/modern/modern-group.test.ts`],
    equivalent: {
      'epoch < member.memberEpoch → epoch <= member.memberEpoch': 'equal epochs returned before',
    },
  },
  {
    name: 'commits of members',
    file: `${groups}/modern/modern-group.ts`,
    functions: ['checkCommitOfMember', 'checkFetchOfMember'],
    tests: [`${groups}/modern/modern-group.test.ts`],
    equivalent: {
      'generationId > member.memberEpoch → generationId >= member.memberEpoch':
        'equal epochs returned before',
    },
  },
  {
    name: 'admission of a consumer member',
    file: `${groups}/consumer/consumer-coordinator.ts`,
    functions: [
      '#memberFor',
      '#leave',
      'throwIfStaleEpoch',
      'throwUnlessStatic',
      'throwIfUnreleased',
    ],
    tests: [
      `${groups}/consumer/consumer-heartbeat.test.ts`,
      `${groups}/consumer/consumer-coordinator.test.ts`,
    ],
  },
  {
    name: 'permissions of a request',
    file: `${broker}/security/access.ts`,
    tests: [`${broker}/security/access.test.ts`],
  },
  {
    name: 'delegation tokens',
    file: `${broker}/security/tokens/delegation-tokens.ts`,
    tests: [`${broker}/security/tokens/delegation-tokens.test.ts`],
    equivalent: {
      'asked < limit → asked <= limit': 'the smaller of two equal numbers',
      'a < b → a <= b': 'the smaller of two equal numbers',
    },
  },
  {
    name: 'listeners of a broker',
    file: `${broker}/config/listeners.ts`,
    tests: [`${broker}/config/listeners.test.ts`],
  },
  {
    name: 'transactional ids',
    file: `${broker}/coordinator/transaction/transaction-shard.ts`,
    functions: ['verify', 'end', 'isKnownProducer', 'renew', 'identityError', 'containsAll'],
    tests: [`${broker}/coordinator/transaction/transaction-shard.test.ts`],
  },
  {
    name: 'acknowledgement and delivery in a share partition',
    file: `${broker}/share/share-partition.ts`,
    functions: ['#release', '#releaseAcquired', '#isThrottled', '#lastDone'],
    tests: [`${broker}/share/share-partition.test.ts`],
    equivalent: {
      'start - 1 → start + 1': 'the release that follows overwrites the state of the two records',
    },
  },
  {
    name: 'owners and types of acknowledged records',
    file: `${broker}/share/acknowledgement.ts`,
    functions: ['requireOwner', 'withTypes'],
    tests: [`${broker}/share/acquisition.test.ts`],
  },
  {
    name: 'ranges of acquired records',
    file: `${broker}/share/acquisition.ts`,
    functions: ['throttledCount', 'endOfBatch', 'partsOf'],
    tests: [`${broker}/share/acquisition.test.ts`],
    equivalent: { 'offset <= batch.last → offset < batch.last': 'the same if equal' },
  },
  {
    name: 'share sessions of the broker',
    file: `${broker}/share/share-sessions.ts`,
    tests: [`${broker}/share/share-sessions.test.ts`],
  },
  {
    name: 'merging of share states',
    file: `${broker}/coordinator/share/state-batches.ts`,
    tests: [`${broker}/coordinator/share/share-state-shard.test.ts`],
    equivalent: {
      'batch.firstOffset < startOffset → batch.firstOffset <= startOffset': 'the same if equal',
    },
  },
  {
    name: 'redelivery of a message',
    file: `${provider}/subscription/redelivery.ts`,
    tests: [`${provider}/subscription/redelivery.test.ts`],
  },
  {
    name: 'consumers of a subscription',
    file: `${provider}/subscription/consumers.ts`,
    tests: [`${provider}/subscription/consumers.test.ts`],
    equivalent: {
      'priority < PRIORITIES → priority <= PRIORITIES': 'a typed array ignores what is beyond it',
      '(cursors[priority] as number) > offset → (cursors[priority] as number) >= offset':
        'the same if equal',
    },
  },
  {
    name: 'commit of a JMS session',
    file: `${jms}/commit-plan.ts`,
    tests: [`${jms}/commit-plan.test.ts`],
  },
  {
    name: 'requests for a JMS consumer',
    file: `${jms}/consumer-request.ts`,
    tests: [`${jms}/consumer-request.test.ts`],
  },
]
