// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { millraceArguments } from '@millrace/testkit'

/** Targets of the open file descriptors of a process. */
export interface Descriptors {
  readonly sockets: readonly string[]
  /**
   * Log files of partitions. They stay open once a partition is used, so a request for another
   * partition or group legitimately adds some; a file that is open twice is a leak.
   */
  readonly logFiles: readonly string[]
  /** All others: pipes, devices, other files. */
  readonly others: readonly string[]
}

/** `<topic>-<partition>/<base offset>.<suffix>`. */
const LOG_FILE = /\/[^/]+-\d+\/\d{20}\.[a-z]+$/

/** How long the main thread of a process was runnable without a processor, milliseconds. */
export function runQueueMs(pid: string): number {
  const [, delayNs] = readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')
  return Number(delayNs) / 1e6
}

/** Target of a link below /proc; undefined if the descriptor was closed in the meantime. */
function targetOf(link: string): string | undefined {
  try {
    return readlinkSync(link)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** A millrace process that hostile clients connect to. Linux only: measurements use /proc. */
export class ServerUnderTest implements AsyncDisposable {
  readonly #child: ChildProcess
  #output = ''
  #faultsBefore = 0

  private constructor(child: ChildProcess) {
    this.#child = child
    const collect = (data: Buffer): void => {
      this.#output = (this.#output + data).slice(-5_000_000)
    }
    child.stdout?.on('data', collect)
    child.stderr?.on('data', collect)
  }

  /** Starts `millrace ARGS`; resolves with the match of `ready` in its output. */
  static async start(
    args: readonly string[],
    ready: RegExp,
  ): Promise<{ readonly server: ServerUnderTest; readonly match: RegExpExecArray }> {
    const child = spawn(process.execPath, ['--expose-gc', ...millraceArguments(...args)])
    const server = new ServerUnderTest(child)
    const match = await new Promise<RegExpExecArray>((resolve, reject) => {
      const look = (): void => {
        const found = ready.exec(server.#output)
        if (found !== null) resolve(found)
      }
      child.stdout?.on('data', look)
      child.stderr?.on('data', look)
      child.on('exit', () => reject(new Error(`it did not start:\n${server.#output}`)))
    })
    return { server, match }
  }

  /** Why the process exited, or undefined while it runs. */
  get ended(): string | undefined {
    const { exitCode, signalCode } = this.#child
    if (exitCode === null && signalCode === null) return undefined
    return `exit code ${exitCode}, signal ${signalCode}:\n${this.#output.slice(-3000)}`
  }

  /** Resident memory, MiB. */
  get residentMiB(): number {
    const status = readFileSync(`/proc/${this.#child.pid}/status`, 'utf8')
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024
  }

  /** See `runQueueMs`; 0 after the process has exited. */
  get queuedMs(): number {
    return this.ended === undefined ? runQueueMs(`${this.#child.pid}`) : 0
  }

  /** Open descriptors of the process: sockets, log files of partitions, and others. */
  get descriptors(): Descriptors {
    const sockets: string[] = []
    const logFiles: string[] = []
    const others: string[] = []
    const directory = `/proc/${this.#child.pid}/fd`
    for (const descriptor of readdirSync(directory)) {
      const target = targetOf(join(directory, descriptor))
      if (target === undefined) continue
      if (target.startsWith('socket:')) sockets.push(target)
      else if (LOG_FILE.test(target)) logFiles.push(target)
      else others.push(target)
    }
    return { sockets, logFiles, others }
  }

  /** Log lines that report a fault of the server itself, since the last call. */
  newFaults(): readonly string[] {
    const faults = this.#output
      .split('\n')
      .filter((line) => /uncaught|unhandled/i.test(line) || / ERROR /.test(line))
    const found = faults.slice(this.#faultsBefore)
    this.#faultsBefore = faults.length
    return found
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.ended !== undefined) return
    const gone = new Promise((resolve) => this.#child.on('exit', resolve))
    this.#child.kill('SIGKILL')
    await gone
  }
}
