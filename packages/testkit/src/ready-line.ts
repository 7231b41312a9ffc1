// SPDX-License-Identifier: Apache-2.0
import type { ChildProcess } from 'node:child_process'

/**
 * The address in the ready line of `millrace start`; rejects with its output if the process exits
 * first.
 */
export async function readyAddress(child: ChildProcess): Promise<string> {
  return (await readyAddresses(child)).kafka
}

/** Addresses in the ready line of `millrace start`; empty if a service is disabled. */
export interface ReadyAddresses {
  readonly kafka: string
  readonly amqp: string
  readonly registry: string
}

/** All addresses in the ready line. */
export function readyAddresses(child: ChildProcess): Promise<ReadyAddresses> {
  return new Promise((resolve, reject) => {
    let output = ''
    const look = (data: Buffer): void => {
      output += data
      const ready = /^millrace ready kafka=(\S+)(?: amqp=(\S+))?(?: registry=(\S+))?$/m.exec(output)
      if (ready === null) return
      const [, kafka = '', amqp, registry] = ready
      resolve({ kafka, amqp: enabled(amqp), registry: enabled(registry) })
    }
    child.stdout?.on('data', look)
    child.stderr?.on('data', look)
    child.on('exit', () => reject(new Error(`millrace did not start:\n${output}`)))
  })
}

function enabled(address: string | undefined): string {
  return address === undefined || address === 'none' ? '' : address
}
