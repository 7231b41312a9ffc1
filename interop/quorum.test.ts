// SPDX-License-Identifier: Apache-2.0
// Changes of the controller quorum: a single node of millrace refuses them with the errors of a
// single node of Apache Kafka 4.4.0, on the same directory.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import * as p from '@millrace/protocol'
import { WireClient } from '@millrace/testkit'
import { startKafka, startMillrace } from './peers.ts'
import { errorText } from './wire-steps.ts'

type Changes = Readonly<Record<string, unknown>>
const endpoint = { host: '127.0.0.1', port: 1 }
const OTHER = { voterId: 2, voterDirectoryId: 'AAAAAAAAAAAAAAAAAAAAAQ' }

/** Changes of a valid request, which names this node. */
const voters: readonly Changes[] = [
  {},
  OTHER,
  { ...OTHER, clusterId: null },
  { clusterId: 'another' },
  { voterDirectoryId: OTHER.voterDirectoryId },
  { voterDirectoryId: p.ZERO_UUID },
  { voterId: -1 },
]
const endpoints: readonly Changes[] = [
  { listeners: [] },
  { ...OTHER, listeners: [] },
  { ...OTHER, listeners: [{ ...endpoint, name: 'OTHER' }] },
  { ...OTHER, clusterId: 'another', listeners: [] },
  { voterId: -1, listeners: [] },
]

interface Outcome {
  readonly request: string
  readonly error: string
}

async function outcomesOf(client: WireClient, directory: string): Promise<Outcome[]> {
  const stored = readFileSync(join(directory, 'meta.properties'), 'utf8')
  const storedValue = (key: string): string =>
    new RegExp(`^${key}=(.*)$`, 'm').exec(stored)?.[1]?.trim() ?? ''
  const valid = {
    clusterId: storedValue('cluster.id'),
    timeoutMs: 1000,
    voterId: 1,
    voterDirectoryId: storedValue('directory.id'),
    listeners: [{ ...endpoint, name: 'CONTROLLER' }],
  }
  const outcomes: Outcome[] = []
  const note = (request: string, { errorCode }: { readonly errorCode: number }): void =>
    void outcomes.push({ request, error: errorText(errorCode) })
  for (const changes of [...voters, ...endpoints]) {
    for (const version of [0, 1]) {
      const { AddRaftVoterRequest, AddRaftVoterResponse } = p
      const message = { ...valid, ...changes }
      const added = await client.request(
        AddRaftVoterRequest,
        AddRaftVoterResponse,
        message,
        version,
      )
      note(`AddRaftVoter v${version} ${JSON.stringify(changes)}`, added)
    }
  }
  for (const changes of voters) {
    const { clusterId, voterId, voterDirectoryId } = { ...valid, ...changes }
    const removed = await client.request(p.RemoveRaftVoterRequest, p.RemoveRaftVoterResponse, {
      clusterId,
      voterId,
      voterDirectoryId,
    })
    note(`RemoveRaftVoter ${JSON.stringify(changes)}`, removed)
  }
  const { UnregisterControllerRequest, UnregisterControllerResponse } = p
  for (const controllerId of [1, 2, -1]) {
    const message = { controllerId }
    note(
      `UnregisterController ${controllerId}`,
      await client.request(UnregisterControllerRequest, UnregisterControllerResponse, message),
    )
  }
  return outcomes
}

/** Keys of the APIs that a broker advertises to clients. */
async function apisOf(client: WireClient): Promise<number[]> {
  const software = { clientSoftwareName: 'test', clientSoftwareVersion: '1' }
  const reply = await client.request(p.ApiVersionsRequest, p.ApiVersionsResponse, software)
  return reply.apiKeys.map(({ apiKey }) => apiKey)
}

/** For brokers among themselves, or for plug-ins that millrace does not have. */
const NOT_ADVERTISED: readonly p.ApiName[] = [
  'InitializeShareGroupState',
  'ReadShareGroupState',
  'WriteShareGroupState',
  'DeleteShareGroupState',
  'ReadShareGroupStateSummary',
  'StreamsGroupTopologyDescriptionUpdate',
]

for (const quorum of ['static', 'dynamic'] as const) {
  describe(`a ${quorum} quorum of one node`, () => {
    const found: { outcomes: Outcome[]; apis: number[] }[] = []
    let stop: (() => Promise<void>) | undefined
    before(
      async () => {
        const kafka = await startKafka({ quorum })
        stop = kafka.stop
        const { directory } = kafka
        for (const start of [() => kafka, () => startMillrace({ directory })]) {
          const peer = await start()
          stop = peer.stop
          const client = await WireClient.connect(peer.address)
          found.push({
            outcomes: await outcomesOf(client, directory),
            apis: await apisOf(client),
          })
          client.close()
          await peer.stop()
        }
      },
      { timeout: 120_000 },
    )
    after(() => stop?.())

    it('refuses changes with the same errors', () => {
      const [kafka, ours] = found
      assert.ok(kafka !== undefined && kafka.outcomes.length > 0)
      assert.deepEqual(ours?.outcomes, kafka.outcomes)
    })

    it('is served with the same APIs, except those that only brokers use', () => {
      const [kafka, ours] = found
      const missing: readonly number[] = NOT_ADVERTISED.map((name) => p.ApiKey[name])
      assert.deepEqual(
        ours?.apis,
        kafka?.apis.filter((key) => !missing.includes(key)),
      )
    })
  })
}
