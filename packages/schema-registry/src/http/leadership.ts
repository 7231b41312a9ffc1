// SPDX-License-Identifier: Apache-2.0

/** A request that another registry answers. */
export interface ForwardedRequest {
  /** Method. */
  readonly method: string
  /** Path and parameters. */
  readonly target: string
  /** Headers to pass, in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** Body; undefined for none. */
  readonly body: Buffer | undefined
}

/** Reply of another registry. */
export interface ForwardedReply {
  /** Status. */
  readonly status: number
  /** Type of the body. */
  readonly contentType: string | undefined
  /** Body. */
  readonly body: Buffer
}

/** Which registry of a cluster writes. */
export interface Leadership {
  /** Whether this registry writes now. */
  readonly isLeader: boolean
  /** URL of the registry that writes; undefined while it is unknown, or none is eligible. */
  readonly leaderUrl: string | undefined
  /** Resolves when it is known which registry writes, or after a time limit. */
  settled(): Promise<void>
  /** Passes a request to the registry that writes. Rejects with 50003 or 50004. */
  forward(request: ForwardedRequest): Promise<ForwardedReply>
}
