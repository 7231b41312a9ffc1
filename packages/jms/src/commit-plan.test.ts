// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { commitPlan } from './commit-plan.ts'
import { JMSException } from './exceptions.ts'

const lost = new JMSException('connection lost')
const txnId = Buffer.from('tx')

describe('a commit', () => {
  // Received, sent, rollback-only, declared at the provider: what the commit does.
  const table = `
    received sent failed declared
    no       no   no     yes      nothing
    no       no   no     no       nothing
    yes      no   no     yes      commit
    no       yes  no     yes      commit
    yes      yes  no     yes      commit
    yes      no   no     no       rollback no transaction is open at the provider
    no       yes  no     no       rollback no transaction is open at the provider
    no       no   yes    yes      rollback connection lost
    yes      yes  yes    yes      rollback connection lost
    yes      yes  yes    no       rollback connection lost`
  const rows = table
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/ +/))
  for (const [received, sent, failed, declared, ...expected] of rows) {
    it(`of received ${received}, sent ${sent}, failed ${failed}, declared ${declared}: ${expected[0]}`, () => {
      const plan = commitPlan({
        hasReceipts: received === 'yes',
        hasSent: sent === 'yes',
        rollbackOnlyCause: failed === 'yes' ? lost : undefined,
        txnId: declared === 'yes' ? txnId : undefined,
      })
      const cause = plan.kind === 'rollback' ? ` ${plan.cause.message}` : ''
      assert.equal(`${plan.kind}${cause}`, expected.join(' '))
      if (plan.kind === 'commit') assert.equal(plan.txnId, txnId)
    })
  }
})
