// SPDX-License-Identifier: Apache-2.0
import { guard } from './isolation.ts'
import type { ListenOptions } from './network.ts'

/** Asks `admit` of a listener; an error thrown there refuses the connection. */
export function isAdmitted(
  { admit, onError }: Pick<ListenOptions, 'admit' | 'onError'>,
  remoteAddress: string,
): boolean {
  let isAllowed = false
  guard(() => {
    isAllowed = admit?.(remoteAddress) ?? true
  }, onError)
  return isAllowed
}
