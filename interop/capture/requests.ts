// SPDX-License-Identifier: Apache-2.0
// Prints a random instance of every message in every version, one JSON line each, for
// CaptureMessages.java to encode.
import * as protocol from '@millrace/protocol'
import { type MessageSchema, versionBounds } from '@millrace/protocol'
import { seededRandom } from '@millrace/testkit'
import { randomMessage } from './random-message.ts'

const random = seededRandom(20261121)
const exported: readonly unknown[] = Object.values(protocol)
const schemas = exported.filter(
  (value): value is MessageSchema =>
    typeof value === 'object' && value !== null && 'fields' in value && 'versions' in value,
)
for (const schema of schemas) {
  const [first, last] = versionBounds(schema.versions)
  for (let version = first; version <= last; version++) {
    for (let instance = 0; instance < 2; instance++) {
      const json = randomMessage(schema, version, random)
      process.stdout.write(`${JSON.stringify({ name: schema.name, version, json })}\n`)
    }
  }
}
