// SPDX-License-Identifier: Apache-2.0
import type { ChildProcess } from 'node:child_process'

/** The address in the line by which `millrace start` says that it is ready; rejects with its output when it ends first. */
export function readyAddress(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = ''
    const look = (data: Buffer): void => {
      output += data
      const ready = /^millrace ready kafka=(\S+)$/m.exec(output)
      if (ready !== null) resolve(ready[1] as string)
    }
    child.stdout?.on('data', look)
    child.stderr?.on('data', look)
    child.on('exit', () => reject(new Error(`millrace did not start:\n${output}`)))
  })
}
