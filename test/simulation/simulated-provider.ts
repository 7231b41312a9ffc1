// SPDX-License-Identifier: Apache-2.0
import { ConnectionFactory, type ConnectionFactoryOptions } from '@millrace/jms'
import { JmsProvider } from '@millrace/jms-provider'
import type { SimulatedWorld } from './simulated-world.ts'
import { end, type Life, RESTART_MS } from './simulation.ts'
import { failOnTimerFaults } from './timer-faults.ts'

/** AMQP port of the first provider. */
export const FIRST_AMQP_PORT = 5672

/**
 * A JMS provider on a separate machine, which is killed and restarted. Its state is in the broker
 * of the world.
 */
export class SimulatedProvider {
  readonly #world: SimulatedWorld
  readonly #config: Readonly<Record<string, string>>
  readonly port: number
  #life: Life | undefined
  #provider: JmsProvider | undefined
  deaths = 0

  /** Providers of one world need different ports. */
  constructor(
    world: SimulatedWorld,
    options: {
      readonly port?: number
      readonly config?: Readonly<Record<string, string>>
    } = {},
  ) {
    this.#world = world
    this.port = options.port ?? FIRST_AMQP_PORT
    this.#config = {
      'amqp.listener': `127.0.0.1:${this.port}`,
      'amqp.provider.id': `provider-${this.port}`,
      ...options.config,
    }
  }

  /** The provider, while it runs. */
  get provider(): JmsProvider | undefined {
    return this.#provider
  }

  /** Resolves when clients can connect. Retries while the broker is down. */
  async start(): Promise<void> {
    for (;;) {
      const life = { clock: this.#world.clock.process(), network: this.#world.network.machine() }
      this.#life = life
      const started = await JmsProvider.start({
        client: this.#world.clientOf(life),
        config: this.#config,
        logger: failOnTimerFaults,
        world: { ...life, random: this.#world.random },
      }).catch(() => undefined)
      if (started !== undefined) {
        this.#provider = started
        return
      }
      end(life)
      await this.#world.pass(RESTART_MS)
    }
  }

  /** Kills the process: its connections break, and none of its code runs any more. */
  kill(): void {
    if (this.#life === undefined) return
    this.deaths++
    end(this.#life)
    this.#life = undefined
    this.#provider = undefined
  }

  /** Kills and restarts the provider a number of times, or until the world is calm. */
  async trouble(options: { readonly deaths: number; readonly withinMs: number }): Promise<void> {
    for (let i = 0; i < options.deaths && !this.#world.isCalm; i++) {
      await this.#world.pass(this.#world.random.integer(options.withinMs))
      this.kill()
      await this.#world.pass(RESTART_MS)
      await this.start()
    }
  }

  async close(): Promise<void> {
    await this.#provider?.close()
  }
}

/** A factory of JMS connections from a machine that never crashes to providers on these ports. */
export function jmsFactory(
  world: SimulatedWorld,
  options: { readonly ports?: readonly number[] } & ConnectionFactoryOptions = {},
): ConnectionFactory {
  const { ports = [FIRST_AMQP_PORT], ...rest } = options
  const url = ports.map((port) => `amqp://127.0.0.1:${port}`).join(',')
  return new ConnectionFactory(url, {
    requestTimeoutMs: 10_000,
    connectTimeoutMs: 5000,
    world: {
      clock: world.clock.process(),
      random: world.random,
      network: world.network.machine(),
    },
    ...rest,
  })
}
