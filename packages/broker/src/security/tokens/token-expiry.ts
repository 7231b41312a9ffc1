// SPDX-License-Identifier: Apache-2.0
import type { Clock, Logger, Timer } from '@millrace/base'
import type { BrokerConfig } from '../../config/broker-config.ts'
import type { MetadataStore } from '../../metadata/metadata-store.ts'
import { expiredTokens } from './delegation-tokens.ts'

/** Removes delegation tokens that have expired, at intervals. */
export class TokenExpiry {
  readonly #context: {
    readonly config: BrokerConfig
    readonly metadata: MetadataStore
    readonly clock: Clock
    readonly logger: Logger
  }
  #timer: Timer | undefined

  constructor(context: {
    readonly config: BrokerConfig
    readonly metadata: MetadataStore
    readonly clock: Clock
    readonly logger: Logger
  }) {
    this.#context = context
  }

  /** Starts the timer, if tokens are turned on. */
  start(): void {
    const { config, clock } = this.#context
    if (!config.get('delegation.token.secret.key')) return
    const intervalMs = config.number('delegation.token.expiry.check.interval.ms')
    this.#timer = clock.setTimer(intervalMs, () => {
      this.start()
      this.#remove().catch((error: unknown) =>
        this.#context.logger.error('cannot remove expired delegation tokens', { error }),
      )
    })
  }

  async #remove(): Promise<void> {
    const { metadata, clock, logger } = this.#context
    const count = await metadata.propose((image) => {
      const records = expiredTokens(image, clock.now())
      return { records, reply: records.length }
    })
    if (count > 0) logger.info('removed expired delegation tokens', { count })
  }

  /** Stops the timer. */
  close(): void {
    this.#timer?.cancel()
  }
}
