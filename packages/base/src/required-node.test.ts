// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { unsupportedNode } from './required-node.ts'

describe('the required version of Node', () => {
  for (const version of ['v24.0.0', 'v26.10.0', 'v100.0.0']) {
    it(`accepts ${version}`, () => assert.equal(unsupportedNode(version), undefined))
  }
  for (const version of ['v18.20.0', 'v20.20.2', 'v23.11.1']) {
    it(`rejects ${version}`, () => {
      assert.equal(
        unsupportedNode(version),
        `millrace requires Node 24 or newer; this is ${version}`,
      )
    })
  }
})
