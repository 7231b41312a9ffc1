// SPDX-License-Identifier: Apache-2.0
import { type Logger, nodeWorld } from '@millrace/base'
import type { Broker } from '@millrace/broker'
import type { ClientOptions } from '@millrace/client'
import type { JmsProvider } from '@millrace/jms-provider'
import type { ParsedOptions } from '../options.ts'
import { explainListen, inUseMessage, isTaken } from './listen-failures.ts'

const DEFAULT_AMQP = '127.0.0.1:5672'

/** JMS settings, with `--amqp` over them. If the broker uses any free port, so does JMS. */
export function amqpSettings(
  settings: ReadonlyMap<string, string>,
  parsed: ParsedOptions,
): Map<string, string> {
  const amqp = new Map([...settings].filter(([key]) => key.startsWith('amqp.')))
  const listen = parsed.value('amqp')
  if (listen !== undefined) amqp.set('amqp.listener', listen)
  // A provider with its own broker need not wait for the session of its previous run to expire.
  if (!amqp.has('amqp.provider.id') && !parsed.has('bootstrap')) {
    amqp.set('amqp.provider.id', 'embedded')
  }
  const isAnyPort = /:0(,|$)/.test(settings.get('listeners') ?? '')
  if (!amqp.has('amqp.listener') && isAnyPort) amqp.set('amqp.listener', '127.0.0.1:0')
  return amqp
}

/** Where the provider of `millrace start` runs. */
export interface EmbeddedJmsOptions {
  /** Settings of `amqpSettings`. */
  readonly config: ReadonlyMap<string, string>
  /** Broker of this process; undefined with `--bootstrap`. */
  readonly broker: Broker | undefined
  /** Connection to the cluster. */
  readonly client: ClientOptions
  /** All settings of the command. */
  readonly settings: ReadonlyMap<string, string>
  /** Receives warnings and errors. */
  readonly logger: Logger
}

/**
 * Starts the JMS provider. Undefined if it is disabled, or if the default port is in use by another
 * program.
 */
export async function startEmbeddedJms(
  options: EmbeddedJmsOptions,
): Promise<JmsProvider | undefined> {
  const { config, broker } = options
  const listener = config.get('amqp.listener') ?? DEFAULT_AMQP
  if (listener === 'none') return undefined
  try {
    return await start(options)
  } catch (error) {
    // The default port may be in use by another program; a requested port must be free.
    if (broker === undefined || !isTaken(error) || config.has('amqp.listener')) {
      throw explainListen(
        error,
        'AMQP',
        listener,
        'choose another with --amqp HOST:PORT, or --amqp none',
      )
    }
    process.stderr.write(`millrace: ${inUseMessage('AMQP', listener)}; started without AMQP\n`)
    return undefined
  }
}

async function start({
  config,
  broker,
  client,
  settings,
  logger,
}: EmbeddedJmsOptions): Promise<JmsProvider> {
  // Loaded only if needed: a broker without it starts faster.
  const { ClusterSecurity, JmsProvider } = await import('@millrace/jms-provider')
  if (broker !== undefined) {
    const { security } = broker
    return JmsProvider.start({ client, config, logger, startsOnFirstUse: true, security })
  }
  const security = await ClusterSecurity.open(client, {
    clock: nodeWorld.clock,
    logger,
    settings: {
      superUsers: (settings.get('super.users') ?? '').split(';').filter((name) => name !== ''),
      allowEveryoneIfNoAclFound: settings.get('allow.everyone.if.no.acl.found') === 'true',
    },
  })
  return JmsProvider.start({ client, config, logger, security })
}
