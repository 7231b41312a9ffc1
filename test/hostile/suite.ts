// SPDX-License-Identifier: Apache-2.0
// Misbehaving clients on every port of every protocol: the process survives, other clients are
// served without delay, and all resources are released. FRAMES=all stops at every frame, SEED=n
// corrupts other bytes.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type AgentUnderTest, startAgentUnderTest } from './agents.ts'
import { type BrokerUnderTest, startBroker } from './brokers.ts'
import { ControlProcess } from './control-process.ts'
import { misbehave, warmUp } from './hostile-suite.ts'
import { misbehaviours } from './misbehaviours.ts'
import { registryMisbehaviours } from './registry-misbehaviours.ts'

const isLinux = process.platform === 'linux'

for (const [what, protocols, start] of [
  [
    'millrace start',
    {
      Kafka: {},
      AMQP: {},
      'AMQP over WebSocket': {},
      'schema registry': registryMisbehaviours,
    },
    startBroker,
  ],
  [
    'millrace agent',
    {
      netcat: {},
      syslogtcp: {},
      multiport_syslogtcp: {},
      'HTTP source': {},
      'Avro RPC': {},
      'Thrift RPC': {},
      metrics: {},
    },
    startAgentUnderTest,
  ],
] as const) {
  describe(`${what} and a hostile client`, { skip: isLinux ? false : 'needs /proc' }, () => {
    let subject: BrokerUnderTest | AgentUnderTest
    let control: ControlProcess
    before(async () => {
      subject = await start()
      control = await ControlProcess.start()
      const [first] = subject.protocols
      assert.ok(first !== undefined)
      await warmUp(first)
    })
    after(async () => {
      await control?.[Symbol.asyncDispose]()
      await subject?.[Symbol.asyncDispose]()
    })

    for (const [name, own] of Object.entries(protocols)) {
      for (const misbehaviour of Object.keys({ ...misbehaviours, ...own })) {
        it(`that ${misbehaviour}, on ${name}`, async (t) => {
          const protocol = subject.protocols.find((each) => each.name === name)
          assert.ok(protocol !== undefined)
          const outcome = await misbehave(protocol, misbehaviour, subject, control)
          t.diagnostic(
            `slowest exchange ${outcome.slowestMs.toFixed(0)} ms, ` +
              `memory ${outcome.grownMiB.toFixed(0)} MiB more`,
          )
          assert.deepEqual(outcome.problems, [])
        })
      }
    }
  })
}
