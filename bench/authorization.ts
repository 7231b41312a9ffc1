// SPDX-License-Identifier: Apache-2.0
// What authorizing costs: CPU time of a broker and its one producer, without an authorizer and with
// 1,000 ACLs. `node --conditions=millrace-src bench/authorization.ts [RUNS]`
import { Broker } from '@millrace/broker'
import * as p from '@millrace/protocol'
import { WireClient } from '@millrace/testkit'

const AUTHORIZER = 'org.apache.kafka.metadata.authorizer.StandardAuthorizer'
const ACLS = 1000
const REQUESTS = 20_000
const RECORDS_PER_REQUEST = 50
const IN_FLIGHT = 5

const records = p.buildBatch(
  Array.from({ length: RECORDS_PER_REQUEST }, () => ({
    timestamp: 1_700_000_000_000n,
    key: null,
    value: Buffer.alloc(100),
  })),
)
const TOPICS = 20

async function prepare(broker: Broker, hasAcls: boolean): Promise<WireClient> {
  const client = await WireClient.connect(broker.address)
  await client.request(p.CreateTopicsRequest, p.CreateTopicsResponse, {
    timeoutMs: 10_000,
    topics: Array.from({ length: TOPICS }, (_, i) => ({
      name: `orders-${i}`,
      numPartitions: 1,
      replicationFactor: 1,
      assignments: [],
      configs: [{ name: 'retention.bytes', value: '1000000' }],
    })),
  })
  if (!hasAcls) return client
  const creations = Array.from({ length: ACLS }, (_, i) => ({
    resourceType: 2,
    // Ten literal ACLs for each topic, prefixes that match it, and many that do not.
    resourceName: i % 3 === 0 ? 'orders-' : i % 3 === 1 ? `orders-${i % TOPICS}` : `other-${i}`,
    resourcePatternType: i % 3 === 0 ? 4 : 3,
    principal: i === 0 ? 'User:ANONYMOUS' : `User:someone-${i}`,
    host: i === 0 ? '*' : `10.0.${i % 256}.0/24`,
    operation: 4,
    permissionType: 3,
  }))
  const { results } = await client.request(p.CreateAclsRequest, p.CreateAclsResponse, { creations })
  if (results.some(({ errorCode }) => errorCode !== 0)) throw new Error('cannot create the ACLs')
  return client
}

/** CPU seconds for a million records. */
async function measure(hasAcls: boolean): Promise<number> {
  const settings = { 'authorizer.class.name': AUTHORIZER, 'allow.everyone.if.no.acl.found': 'true' }
  await using broker = await Broker.start({ config: hasAcls ? settings : {} })
  const client = await prepare(broker, hasAcls)
  let sent = 0
  const produce = async (): Promise<void> => {
    while (sent < REQUESTS) {
      const name = `orders-${sent++ % TOPICS}`
      const reply = await client.request(
        p.ProduceRequest,
        p.ProduceResponse,
        {
          transactionalId: null,
          acks: -1,
          timeoutMs: 1000,
          topicData: [{ name, partitionData: [{ index: 0, records }] }],
        },
        12,
      )
      const errorCode = reply.responses[0]?.partitionResponses[0]?.errorCode
      if (errorCode !== 0) throw new Error(`produce failed: ${errorCode}`)
    }
  }
  const start = process.cpuUsage()
  await Promise.all(Array.from({ length: IN_FLIGHT }, produce))
  const { user, system } = process.cpuUsage(start)
  client.close()
  return (user + system) / REQUESTS / RECORDS_PER_REQUEST
}

const runs = Number(process.argv[2] ?? 5)
await measure(false)
await measure(true)
const results = { without: [] as number[], with: [] as number[] }
for (let i = 0; i < runs; i++) {
  results.without.push(await measure(false))
  results.with.push(await measure(true))
}
// The least: other work on the machine only adds.
const [without, withAcls] = [Math.min(...results.without), Math.min(...results.with)]
const show = (values: readonly number[]): string => values.map((each) => each.toFixed(3)).join(' ')
process.stdout.write(
  [
    `CPU seconds for a million records of 100 bytes, ${RECORDS_PER_REQUEST} in a request`,
    `without authorizer: ${without.toFixed(3)} (${show(results.without)})`,
    `${ACLS} ACLs:          ${withAcls.toFixed(3)} (${show(results.with)})`,
    `cost: ${((withAcls / without - 1) * 100).toFixed(1)} %`,
    '',
  ].join('\n'),
)
