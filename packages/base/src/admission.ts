// SPDX-License-Identifier: Apache-2.0
import { guard } from './isolation.ts'
import type { ListenOptions } from './network.ts'

/** Next steps of a connection that arrived at a listener. */
export interface Admission {
  /** Called first if the decision is pending: nothing may be read until `onDecided` is called. */
  readonly onHeld: () => void
  /** Called once, with whether the connection is served. */
  readonly onDecided: (isAdmitted: boolean) => void
}

/** Asks `admit` of a listener. An error thrown there, or a rejection, refuses the connection. */
export function passAdmission(
  { admit, onError }: Pick<ListenOptions, 'admit' | 'onError'>,
  remoteAddress: string,
  { onHeld, onDecided }: Admission,
): void {
  let answer: boolean | Promise<boolean> = false
  guard(() => {
    answer = admit?.(remoteAddress) ?? true
  }, onError)
  decide(answer)

  function decide(decision: boolean | Promise<boolean>): void {
    if (typeof decision === 'boolean') {
      onDecided(decision)
      return
    }
    onHeld()
    decision.then(onDecided, (error: unknown) => {
      onError(error instanceof Error ? error : new Error(String(error)))
      onDecided(false)
    })
  }
}
