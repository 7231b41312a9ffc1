// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type AcknowledgeType, PartitionAcknowledgements } from './acknowledgements.ts'

const letters: Readonly<Record<string, AcknowledgeType | 'gap'>> = {
  g: 'gap',
  a: 'accept',
  r: 'release',
  x: 'reject',
  n: 'renew',
}

/** `5a 6a 9r` accepts offsets 5 and 6, and releases 9. */
function listOf(text: string): PartitionAcknowledgements {
  const list = new PartitionAcknowledgements({ topic: 't', partition: 0 }, 1)
  for (const each of text.split(' ').filter(Boolean)) {
    list.set(BigInt(each.slice(0, -1)), letters[each.slice(-1)] ?? 'gap')
  }
  return list
}

function textOf(list: PartitionAcknowledgements): string {
  return list
    .batches()
    .map(
      ({ firstOffset, lastOffset, acknowledgeTypes }) =>
        `${firstOffset}-${lastOffset}:${acknowledgeTypes.join()}`,
    )
    .join(' ')
}

describe('acknowledgements on the wire', () => {
  const cells: readonly (readonly [given: string, batches: string, why: string])[] = [
    ['', '', 'nothing to send'],
    ['5a', '5-5:1', 'a single record'],
    ['5a 6a 7a', '5-7:1', 'one type stands for all of a batch'],
    ['5a 6r 7a', '5-7:1,2,1', 'else each record has its own'],
    ['7a 5a 6a', '5-7:1', 'the order of the calls does not matter'],
    ['5a 7a', '5-5:1 7-7:1', 'a gap ends a batch'],
    ['5a 5r', '5-5:2', 'the last call for a record counts'],
    ['5x 6x 8g', '5-6:3 8-8:0', 'rejected records, and an offset without a record'],
    ['5n 6a', '5-6:4,1', 'a renewal beside others'],
    ['9223372036854775806a 9223372036854775807a', '9223372036854775806-9223372036854775807:1', ''],
  ]
  for (const [given, batches, why] of cells) {
    it(`${given || 'none'} → ${batches || 'none'} ${why}`, () => {
      assert.equal(textOf(listOf(given)), batches)
    })
  }

  it('send renewals separately', () => {
    const list = listOf('5n 6a 7n')
    assert.equal(list.hasRenewals, true)
    const renewals = list.takeRenewals()
    assert.equal(renewals === undefined ? '' : textOf(renewals), '5-5:4 7-7:4')
    assert.equal(textOf(list), '6-6:1')
    assert.equal(list.takeRenewals(), undefined)
    assert.deepEqual([list.size, list.offsets, list.hasRenewals], [1, [6n], false])
  })
})
