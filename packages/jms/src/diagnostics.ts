// SPDX-License-Identifier: Apache-2.0
import { channel } from 'node:diagnostics_channel'

/**
 * Channels of `node:diagnostics_channel`. A channel without subscribers costs nothing.
 *
 * - `millrace:jms:lost`, `{ clientID, error, isFinal }`: a connection was lost; unless `isFinal` it
 *   is replaced.
 * - `millrace:jms:restored`, `{ clientID }`: a lost connection was re-established.
 * - `millrace:jms:failed`, `{ clientID, error }`: a connection failed permanently.
 * - `millrace:jms:listener:error`, `{ destination, error, message }`: a handler of `jmsListener`,
 *   or its consumer, failed.
 * - `millrace:jms:listener:closed`, `{ destination, error }`: a `jmsListener` ended; `error` is
 *   undefined after `close`.
 */
export const channels = {
  lost: channel('millrace:jms:lost'),
  restored: channel('millrace:jms:restored'),
  failed: channel('millrace:jms:failed'),
  listenerError: channel('millrace:jms:listener:error'),
  listenerClosed: channel('millrace:jms:listener:closed'),
} as const
