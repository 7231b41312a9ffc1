// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import * as p from '@millrace/protocol'
import type { WireClient } from '@millrace/testkit'
import {
  type AccessCase,
  accessCases,
  DELETED_GROUP,
  type Fixture,
  GROUP,
  NAMES,
  SECRET_TOPIC,
  TOPICS,
  TRANSACTIONAL_ID,
} from './access-cases.ts'

const OPERATIONS: Readonly<Record<string, number>> = {
  ALL: 2,
  READ: 3,
  WRITE: 4,
  CREATE: 5,
  DELETE: 6,
  ALTER: 7,
  DESCRIBE: 8,
  CLUSTER_ACTION: 9,
  DESCRIBE_CONFIGS: 10,
  ALTER_CONFIGS: 11,
  IDEMPOTENT_WRITE: 12,
  TWO_PHASE_COMMIT: 15,
}
const RESOURCE_TYPES: Readonly<Record<string, number>> = {
  topic: 2,
  group: 3,
  cluster: 4,
  transactionalId: 5,
}

/** A client with certain rights, which ACLs identify by its address. */
export interface Client {
  readonly address: string
  readonly rights: readonly string[]
  /** Expected outcome of its request; undefined for every version of the API. */
  readonly expected: string
  readonly allVersions: boolean
}

export interface CaseRun {
  readonly case: AccessCase
  readonly clients: readonly Client[]
}

/** The clients of every case: without rights, with all but one of them, and with all of them. */
export function accessRuns(): CaseRun[] {
  let next = 2
  const address = (): string => {
    next++
    return `127.0.${next >> 7}.${(next & 127) + 1}`
  }
  return accessCases.map((each) => {
    const { rights, lacking = {}, denied, granted } = each
    const client = (held: readonly string[], expected: string, allVersions = false): Client => ({
      address: address(),
      rights: held,
      expected,
      allVersions,
    })
    const withoutOne =
      rights.length < 2
        ? []
        : rights.map((right) =>
            client(
              rights.filter((other) => other !== right),
              lacking[right] ?? denied,
            ),
          )
    const alternatives = (each.alternatives ?? []).map((held) => client(held, granted))
    return {
      case: each,
      clients: [client([], denied, true), ...withoutOne, client(rights, granted), ...alternatives],
    }
  })
}

/** Versions of the API that the case tests. */
export function versionsOf({ api, versions }: AccessCase): number[] {
  const { request, latestVersionUnstable } = apiOf(api)
  const [first, newest] = p.versionBounds(request.versions)
  // Brokers do not serve a version that is not final.
  const last = latestVersionUnstable ? newest - 1 : newest
  const all = Array.from({ length: last - first + 1 }, (_, i) => first + i)
  return versions === undefined ? all : all.filter((version) => p.inVersions(versions, version))
}

function apiOf(name: p.ApiName): p.Api {
  const api = p.apis.get(p.ApiKey[name])
  assert.ok(api !== undefined)
  return api
}

/** Sends the request of a case. */
export function send(
  client: WireClient,
  each: AccessCase,
  options: { readonly version: number; readonly fixture: Fixture },
): Promise<object> {
  const { request, response } = apiOf(each.api)
  const { version } = options
  const message = forVersion(request.fields, each.request(options.fixture), version)
  return client.request(request, response, message, version)
}

/** Omits fields that the version does not have. */
function forVersion(
  fields: Readonly<Record<string, p.FieldSchema>>,
  message: object,
  version: number,
): object {
  return Object.fromEntries(
    Object.entries(message).flatMap(([name, value]) => {
      const field = fields[name]
      if (field === undefined || !p.inVersions(field.versions, version)) return []
      const inner = field.fields
      if (inner === undefined || value === null) return [[name, value]]
      const prune = (item: object): object => forVersion(inner, item, version)
      return [[name, Array.isArray(value) ? value.map(prune) : prune(value)]]
    }),
  )
}

const DENIALS = [29, 30, 31, 53]

/**
 * Summary of a response: its error codes, each once, and `+name` for names that the request does
 * not have.
 */
export function outcomeOf(response: object, request: object): string {
  const codes = new Set<number>()
  collectCodes(response, codes)
  const text = (message: object): string => JSON.stringify(message, replaceBigInt)
  const revealed = NAMES.filter(
    (name) => text(response).includes(`"${name}"`) && !text(request).includes(name),
  )
  return [
    ...[...codes].sort((a, b) => a - b).map(String),
    ...revealed.map((name) => `+${name}`),
  ].join()
}

function replaceBigInt(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}

function collectCodes(value: unknown, codes: Set<number>): void {
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return
  for (const [key, inner] of Object.entries(value)) {
    if (/errorCode$/i.test(key) && typeof inner === 'number' && inner !== 0) codes.add(inner)
    else collectCodes(inner, codes)
  }
}

/** Whether an outcome is the expected one; `*` stands for any without a denial. */
export function assertOutcome(actual: string, expected: string, what: string): void {
  if (expected !== '*') {
    assert.equal(actual, expected, what)
    return
  }
  const denial = actual.split(',').find((code) => DENIALS.includes(Number(code)))
  assert.equal(denial, undefined, `${what}: ${actual}`)
}

/** Creates the objects that the requests name, and the ACLs of all clients. */
export async function prepare(
  admin: WireClient,
  runs: readonly CaseRun[],
  options: { readonly logDirectory: string; readonly nodeId: number },
): Promise<Fixture> {
  const created = await admin.request(p.CreateTopicsRequest, p.CreateTopicsResponse, {
    timeoutMs: 10_000,
    topics: [...TOPICS, SECRET_TOPIC].map((name) => ({
      name,
      numPartitions: 1,
      replicationFactor: 1,
      assignments: [],
      configs: [],
    })),
  })
  for (const topic of created.topics) assert.equal(topic.errorCode, 0, topic.name)
  const topicIds = new Map(created.topics.map(({ name, topicId }) => [name, topicId]))
  await ready(admin)
  await commit(admin, GROUP, ['notes', 'fixed'], topicIds)
  await commit(admin, DELETED_GROUP, ['notes'], topicIds)
  await initTransaction(admin)
  const creations = runs.flatMap(({ clients }) =>
    clients.flatMap(({ address, rights }) => rights.map((right) => aclFor(right, address))),
  )
  const acls = await admin.request(p.CreateAclsRequest, p.CreateAclsResponse, { creations })
  for (const result of acls.results) assert.equal(result.errorCode, 0, result.errorMessage ?? '')
  return { topicIds, ...options }
}

/** Waits until the coordinators of Apache Kafka answer. */
async function ready(admin: WireClient): Promise<void> {
  for (const [key, keyType] of [
    [GROUP, 0],
    [TRANSACTIONAL_ID, 1],
  ] as const) {
    await retried(async () => {
      const found = await admin.request(p.FindCoordinatorRequest, p.FindCoordinatorResponse, {
        keyType,
        coordinatorKeys: [key],
      })
      return found.coordinators[0]?.errorCode ?? -1
    })
  }
}

async function retried(attempt: () => Promise<number>): Promise<void> {
  let code = -1
  for (let tries = 0; tries < 100; tries++) {
    code = await attempt()
    if (code === 0) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  assert.equal(code, 0)
}

async function commit(
  admin: WireClient,
  groupId: string,
  topics: readonly string[],
  topicIds: ReadonlyMap<string, string>,
): Promise<void> {
  await retried(async () => {
    const reply = await admin.request(p.OffsetCommitRequest, p.OffsetCommitResponse, {
      groupId,
      generationIdOrMemberEpoch: -1,
      memberId: '',
      topics: topics.map((name) => ({
        topicId: topicIds.get(name) ?? '',
        partitions: [{ partitionIndex: 0, committedOffset: 0n, committedMetadata: '' }],
      })),
    })
    return reply.topics[0]?.partitions[0]?.errorCode ?? -1
  })
}

async function initTransaction(admin: WireClient): Promise<void> {
  await retried(async () => {
    const message = { transactionalId: TRANSACTIONAL_ID, transactionTimeoutMs: 60_000 }
    const { InitProducerIdRequest, InitProducerIdResponse } = p
    const reply = await admin.request(InitProducerIdRequest, InitProducerIdResponse, message, 5)
    return reply.errorCode
  })
}

function aclFor(right: string, host: string) {
  const [operation = '', type = '', resourceName = ''] = right.split(' ')
  const code = OPERATIONS[operation]
  const resourceType = RESOURCE_TYPES[type]
  assert.ok(code !== undefined && resourceType !== undefined, right)
  return {
    resourceType,
    resourceName,
    resourcePatternType: 3,
    principal: 'User:ANONYMOUS',
    host,
    operation: code,
    permissionType: 3,
  }
}
