// SPDX-License-Identifier: Apache-2.0
import type { TestEvent } from 'node:test/reporters'

/** A reporter that ends the process with the first test that fails: one is enough. */
export async function* firstFailure(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const { type } of events) {
    if (type === 'test:fail') process.exit(1)
    yield ''
  }
}

// Node loads a reporter by its default export.
// biome-ignore lint/style/noDefaultExport: required by node:test
export default firstFailure
