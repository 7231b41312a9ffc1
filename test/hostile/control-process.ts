// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'

/**
 * A process that no client disturbs. An exchange with it needs loopback, a processor and a sync of
 * the disk: what it takes longer than usual is due to the machine.
 */
export class ControlProcess implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #socket: Socket

  private constructor(child: ChildProcess, socket: Socket) {
    this.#child = child
    this.#socket = socket
  }

  static async start(): Promise<ControlProcess> {
    const program = join(import.meta.dirname, 'control-server.ts')
    const child = spawn(process.execPath, [program], { stdio: ['pipe', 'pipe', 'inherit'] })
    const [line] = await once(child.stdout, 'data')
    const socket = connect(Number(line), '127.0.0.1')
    await once(socket, 'connect')
    socket.setNoDelay(true)
    return new ControlProcess(child, socket)
  }

  /** One exchange; only one may be in progress. Resolves with its time in milliseconds. */
  async exchange(): Promise<number> {
    const began = performance.now()
    this.#socket.write('x')
    await once(this.#socket, 'data')
    return performance.now() - began
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.destroy()
    const gone = once(this.#child, 'exit')
    this.#child.stdin?.end()
    await gone
  }
}
