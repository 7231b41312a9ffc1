// SPDX-License-Identifier: Apache-2.0
import { Broker, releases } from '@millrace/broker'
import { pairs } from '../client/connection.ts'
import { readServerProperties } from '../client/server-properties.ts'
import type { Command } from '../command.ts'
import type { Options } from '../options.ts'
import { isRegistrySetting } from '../start/embedded-registry.ts'

const options = {
  config: { value: 'FILE', short: 'c', help: "Kafka's server.properties, KRaft keys included" },
  set: {
    value: 'KEY=VALUE',
    short: 's',
    multiple: true,
    help: 'sets one configuration key, over the file; may be repeated',
  },
  data: {
    value: 'DIR',
    short: 'd',
    help: 'data directory, over log.dirs (default ./millrace-data)',
  },
  'cluster-id': { value: 'ID', short: 't', help: 'id of the cluster (default a random one)' },
  'add-scram': {
    value: 'USER',
    multiple: true,
    help: "adds a SCRAM user: 'SCRAM-SHA-256=[name=admin,password=secret]'; may be repeated",
  },
  'release-version': {
    value: 'VERSION',
    help: `Kafka release that must be able to open the directory: ${Object.keys(releases).join(', ')} (default 4.4)`,
  },
} satisfies Options

const details = `millrace start formats a new directory by itself. This command is for doing it before, for
example to create the first administrator of a broker whose listeners need a login:

  millrace format --config server.properties --add-scram 'SCRAM-SHA-512=[name=admin,password=secret]'

A directory that is formatted already is left alone, and the exit status is 1.`

/** `millrace format`: prepares data directories. */
export const format: Command = {
  name: 'format',
  summary: 'formats data directories before the first start, with SCRAM users',
  options,
  details,
  async run(parsed) {
    const file = parsed.value('config')
    const settings = file === undefined ? new Map<string, string>() : readServerProperties(file)
    for (const [key, value] of pairs(parsed, 'set')) settings.set(key, value)
    const data = parsed.value('data')
    if (data !== undefined) {
      settings.delete('log.dir')
      settings.set('log.dirs', data)
    }
    if (!settings.has('log.dirs') && !settings.has('log.dir')) {
      settings.set('log.dirs', './millrace-data')
    }
    const clusterId = parsed.value('cluster-id')
    const releaseVersion = parsed.value('release-version')
    const { clusterId: id, directories } = await Broker.format({
      config: new Map(
        [...settings].filter(([key]) => !key.startsWith('amqp.') && !isRegistrySetting(key)),
      ),
      scramUsers: parsed.values('add-scram'),
      ...(clusterId === undefined ? {} : { clusterId }),
      ...(releaseVersion === undefined ? {} : { releaseVersion }),
    })
    process.stdout.write(`formatted ${directories.join(', ')} for cluster ${id}\n`)
    return 0
  },
}
