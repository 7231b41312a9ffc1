// SPDX-License-Identifier: Apache-2.0
import { LogLevel, nodeWorld } from '@millrace/base'
import { SchemaRegistry } from '@millrace/schema-registry'
import { clusterClient, DEFAULT_BOOTSTRAP, pairs, readProperties } from '../client/connection.ts'
import { interrupted } from '../client/interrupted.ts'
import { loggerFor } from '../client/stderr-logger.ts'
import type { Command } from '../command.ts'
import type { ParsedOptions } from '../options.ts'
import { explainListen } from '../start/listen-failures.ts'

/** `millrace registry`: runs a schema registry alone. */
export const registry: Command = {
  name: 'registry',
  summary: 'runs a schema registry over a Kafka cluster in the foreground',
  options: {
    bootstrap: {
      value: 'HOST:PORT',
      short: 'b',
      help: `brokers, overrides kafkastore.bootstrap.servers (default $MILLRACE_BOOTSTRAP or ${DEFAULT_BOOTSTRAP})`,
    },
    listen: {
      value: 'HOST:PORT',
      short: 'l',
      help: 'address to listen on, overrides listeners; port 0 picks a free one (default 127.0.0.1:8081)',
    },
    config: { value: 'FILE', short: 'c', help: "Confluent's schema-registry.properties" },
    set: {
      value: 'KEY=VALUE',
      short: 's',
      multiple: true,
      help: 'sets one of its keys, overrides the file; may be repeated',
    },
    'command-config': {
      value: 'FILE',
      help: "a Java client's properties, as security (client.properties)",
    },
    insecure: { help: 'allows listeners that others reach without authentication' },
    'log-level': {
      value: 'LEVEL',
      help: `log level on stderr: ${Object.keys(LogLevel).join(', ')} (default info)`,
    },
  },
  details: `The schemas are in the topic _schemas, in Confluent's format. When clients can connect, a line is printed:

  millrace ready registry=127.0.0.1:8081

Examples:
  millrace registry --bootstrap kafka-1:9092,kafka-2:9092
  millrace registry --config schema-registry.properties --listen 0.0.0.0:8081`,
  async run(parsed) {
    const logger = loggerFor(parsed)
    const began = nodeWorld.clock.monotonic()
    const config = settingsOf(parsed)
    const bootstrap = bootstrapOf(parsed, config)
    await using server = await SchemaRegistry.start({
      client: clusterClient(parsed, bootstrap),
      config,
      logger,
    }).catch((error: unknown) => {
      const listener = parsed.value('listen') ?? config.get('listeners') ?? '127.0.0.1:8081'
      throw explainListen(
        error,
        'the schema registry',
        listener,
        'choose another with --listen HOST:PORT',
      )
    })
    const interrupt = interrupted()
    const tookMs = Math.round(nodeWorld.clock.monotonic() - began)
    const lines = [
      '',
      `  millrace is up (${tookMs} ms)`,
      '',
      `  Registry  ${server.addresses.join(', ')}`,
      `  Kafka     at ${bootstrap}`,
      '',
      '  Ctrl-C stops it.',
      '',
      `millrace ready registry=${server.address.replace(/^http:\/\//, '')}`,
    ]
    process.stdout.write(`${lines.join('\n')}\n`)
    await interrupt
    return 0
  },
}

function settingsOf(parsed: ParsedOptions): Map<string, string> {
  const config = readProperties(parsed, 'config')
  for (const [key, value] of pairs(parsed, 'set')) config.set(key, value)
  const listen = parsed.value('listen')
  if (listen !== undefined) {
    config.set('listeners', listen.includes('://') ? listen : `http://${listen}`)
  }
  if (parsed.has('insecure')) config.set('millrace.insecure', 'true')
  return config
}

/** Confluent's key has the listener's protocol before each address: `PLAINTEXT://host:9092`. */
function bootstrapOf(parsed: ParsedOptions, config: ReadonlyMap<string, string>): string {
  const configured = config
    .get('kafkastore.bootstrap.servers')
    ?.split(',')
    .map((address) => address.trim().replace(/^\w+:\/\//, ''))
    .join(',')
  const given = parsed.value('bootstrap') ?? configured
  return given ?? process.env.MILLRACE_BOOTSTRAP ?? DEFAULT_BOOTSTRAP
}
