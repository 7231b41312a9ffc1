// SPDX-License-Identifier: Apache-2.0
import { type Logger, silentLogger } from '@millrace/base'

/**
 * A logger for simulated processes. An exception in a timer callback ends no process and would go
 * unnoticed, so this logger rethrows it, which ends the simulation.
 */
export const failOnTimerFaults: Logger = {
  ...silentLogger,
  error(message, fields) {
    if (message !== 'a timer callback failed') return
    throw new Error(message, { cause: fields?.error })
  },
}
