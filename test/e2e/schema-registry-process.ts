// SPDX-License-Identifier: Apache-2.0
// A schema registry in a separate process, for tests that kill it: prints its address when ready.
import { SchemaRegistry } from '@millrace/schema-registry'

const [bootstrapServers = '', config = '{}'] = process.argv.slice(2)
const registry = await SchemaRegistry.start({
  client: { bootstrapServers },
  config: { listeners: 'http://127.0.0.1:0', ...JSON.parse(config) },
})
process.stdout.write(`ready ${registry.address}\n`)
setInterval(() => {}, 60_000)
