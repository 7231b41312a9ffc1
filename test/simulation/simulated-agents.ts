// SPDX-License-Identifier: Apache-2.0
import { Agent, type AgentPlan, type Channel } from '@millrace/flume'
import { SimulatedDisk } from '@millrace/testkit'
import { end, type Life, RESTART_MS, type Simulation } from './simulation.ts'
import { failOnTimerFaults } from './timer-faults.ts'

/** A machine with an agent, whose power fails or which is killed, and which restarts. */
export class Machine {
  readonly #world: Simulation
  readonly #plan: AgentPlan
  #disk = new SimulatedDisk()
  #life: Life | undefined
  #agent: Agent | undefined
  deaths = 0

  constructor(world: Simulation, plan: AgentPlan) {
    this.#world = world
    this.#plan = plan
  }

  /** The agent, while it runs. */
  get agent(): Agent | undefined {
    return this.#agent
  }
  /** Its channel c. */
  get channel(): Channel | undefined {
    return this.#agent?.channels.get('c')
  }
  get operations(): number {
    return this.#disk.operations
  }

  async start(): Promise<void> {
    const { random } = this.#world
    for (;;) {
      const disk = this.#disk
      const life = this.#world.begin(disk)
      this.#life = life
      const agent = new Agent(this.#plan, {
        world: { ...life, random, fileSystem: disk },
        logger: failOnTimerFaults,
      })
      // Operations that were pending at the power failure never complete.
      const outcome = await Promise.race([
        agent.start().then(
          () => 'up' as const,
          (error: unknown) => ({ error }),
        ),
        this.#untilCut(disk),
      ])
      if (outcome === 'up') {
        this.#agent = agent
        return
      }
      if (outcome !== 'cut' && disk.operations < disk.cutAt) throw outcome.error
      this.#die()
      await this.#world.pass(RESTART_MS)
    }
  }

  async #untilCut(disk: SimulatedDisk): Promise<'cut'> {
    while (disk.operations < disk.cutAt) await this.#world.pass(5)
    return 'cut'
  }

  #die(): void {
    this.deaths++
    if (this.#life !== undefined) end(this.#life)
    this.#agent = undefined
    const { random } = this.#world
    const isPowerCut = this.#disk.operations >= this.#disk.cutAt
    this.#disk = isPowerCut ? this.#disk.afterPowerCut(random) : this.#disk.afterKill()
  }

  /** Runs some work with the agent. Returns its outcome, or that the machine crashed before. */
  async attempt(work: (agent: Agent) => Promise<void>): Promise<'done' | 'failed' | 'died'> {
    const agent = this.#agent
    if (agent === undefined) return 'died'
    let isOver = false
    const died = async (): Promise<'died'> => {
      while (!isOver && this.#agent === agent) await this.#world.pass(10)
      return 'died'
    }
    const outcome = await Promise.race([
      work(agent).then(
        () => 'done' as const,
        () => 'failed' as const,
      ),
      died(),
    ])
    isOver = true
    // A failure may be the first sign of a power failure.
    return outcome === 'failed' && this.#disk.operations >= this.#disk.cutAt ? 'died' : outcome
  }

  /** Crashes repeatedly until the world is calm. */
  async trouble(deaths: number): Promise<void> {
    const { random } = this.#world
    for (let i = 0; i < deaths && !this.#world.isCalm; i++) {
      const disk = this.#disk
      if (random.integer(3) > 0) {
        disk.cutAt = disk.operations + 1 + random.integer(250)
        while (disk.operations < disk.cutAt && !this.#world.isCalm) await this.#world.pass(20)
        if (disk.operations < disk.cutAt) break
      } else await this.#world.pass(random.integer(3000))
      this.#die()
      await this.#world.pass(random.integer(2 * RESTART_MS))
      await this.start()
    }
    this.#disk.cutAt = Number.POSITIVE_INFINITY
  }
}
