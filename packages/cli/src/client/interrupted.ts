// SPDX-License-Identifier: Apache-2.0

/** Resolves at the first SIGINT or SIGTERM; a second one ends the process at once. */
export function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    // Neither a pending promise nor a signal listener keeps Node running.
    const keepAlive = setInterval(() => {}, 2 ** 30)
    let count = 0
    const onSignal = (signal: NodeJS.Signals): void => {
      count++
      if (count > 1) process.exit(signal === 'SIGINT' ? 130 : 143)
      clearInterval(keepAlive)
      process.stderr.write('millrace: stopping; press Ctrl-C again to stop immediately\n')
      resolve()
    }
    process.on('SIGINT', onSignal)
    process.on('SIGTERM', onSignal)
  })
}
