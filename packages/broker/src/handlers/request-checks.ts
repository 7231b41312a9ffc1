// SPDX-License-Identifier: Apache-2.0
import { ProtocolError } from '@millrace/protocol'

/** Throws `INVALID_REQUEST` for an empty string; null stands for one that is not given. */
export function throwIfEmpty(value: string | null, name: string): void {
  if (value !== null && value.trim() === '') {
    throw new ProtocolError('INVALID_REQUEST', `${name} can't be empty.`)
  }
}
