// SPDX-License-Identifier: Apache-2.0
import type { AmqpError } from './amqp-error.ts'
import type { LinkEndpoint } from './link-endpoint.ts'

/** A peer error that ends one link and leaves the session intact. */
export class LinkFailure extends Error {
  readonly link: LinkEndpoint
  readonly reason: AmqpError

  constructor(link: LinkEndpoint, reason: AmqpError) {
    super(reason.message)
    this.link = link
    this.reason = reason
  }
}
