// SPDX-License-Identifier: Apache-2.0
import { MillraceError } from '@millrace/base'
import {
  ErrorCode,
  errorName,
  type MessageInput,
  type MessageOf,
  type MessageSchema,
  ProtocolError,
} from '@millrace/protocol'
import type { Cluster, CoordinatorType } from '../metadata/cluster.ts'
import type { BrokerConnection, RequestOptions } from '../network/broker-connection.ts'

/**
 * Target of a request: any broker (which forwards what only the controller can answer), one broker,
 * or a coordinator.
 */
export type Target =
  | { readonly kind: 'any' }
  | { readonly kind: 'node'; readonly node: number }
  | { readonly kind: 'coordinator'; readonly type: CoordinatorType; readonly key: string }

export const anyBroker: Target = { kind: 'any' }

export function groupCoordinator(groupId: string): Target {
  return { kind: 'coordinator', type: 'group', key: groupId }
}

/**
 * Some items of a request failed. `code` is that of the first failure; `results` has the items that
 * succeeded.
 */
export class PartialFailureError<T = unknown> extends MillraceError {
  override readonly name = 'PartialFailureError'
  /** Failures, by name of the item. */
  readonly errors: ReadonlyMap<string, MillraceError>
  /** Results of the items that succeeded, by name. */
  readonly results: ReadonlyMap<string, T>

  /** Creates the error from the failures and the results, by name. */
  constructor(errors: ReadonlyMap<string, MillraceError>, results: ReadonlyMap<string, T>) {
    const [first] = errors.values()
    const others = errors.size > 1 ? ` (and ${errors.size - 1} more)` : ''
    super(first?.code ?? 'MILLRACE_PARTIAL_FAILURE', `${first?.message}${others}`, {
      retriable: first?.retriable ?? false,
      cause: first,
    })
    this.errors = errors
    this.results = results
  }
}

export interface ItemResult {
  readonly errorCode: number
  readonly errorMessage?: string | null
}

/** Splits answers into results and errors; throws `PartialFailureError` if there are errors. */
export class Outcomes<T> {
  readonly results = new Map<string, T>()
  readonly #errors = new Map<string, MillraceError>()

  add(name: string, { errorCode, errorMessage }: ItemResult, result: () => T): void {
    if (errorCode === ErrorCode.NONE) this.results.set(name, result())
    else this.fail(name, errorOf(errorCode, errorMessage, name))
  }

  fail(name: string, error: MillraceError): void {
    this.#errors.set(name, error)
  }

  /** The results, if nothing failed. */
  all(): Map<string, T> {
    if (this.#errors.size > 0) throw new PartialFailureError(this.#errors, this.results)
    return this.results
  }
}

export function errorOf(
  errorCode: number,
  message: string | null | undefined,
  what: string,
): ProtocolError {
  const code = errorName(errorCode)
  return new ProtocolError(code, `${what}: ${message ?? code}`)
}

export function throwIfError({ errorCode, errorMessage }: ItemResult, what: string): void {
  if (errorCode !== ErrorCode.NONE) throw errorOf(errorCode, errorMessage, what)
}

/** Sends admin requests to the right broker and retries until the time-out. */
export class AdminCaller {
  readonly cluster: Cluster
  readonly timeoutMs: number

  constructor(cluster: Cluster, timeoutMs: number) {
    this.cluster = cluster
    this.timeoutMs = timeoutMs
  }

  /**
   * `check` throws the errors of a reply; after a retriable one the coordinator is looked up again
   * and the request is repeated.
   */
  async call<Q extends MessageSchema, S extends MessageSchema>(
    target: Target,
    request: Q,
    response: S,
    message: MessageInput<Q> | ((version: number) => MessageInput<Q>),
    check: (response: MessageOf<S>) => void = () => {},
    options?: RequestOptions,
  ): Promise<MessageOf<S>> {
    return this.retry(target, async () => {
      const connection = await this.connect(target)
      const reply = await connection.request(request, response, message, options)
      check(reply)
      return reply
    })
  }

  async retry<T>(target: Target, attempt: () => Promise<T>): Promise<T> {
    const deadline = this.cluster.clock.monotonic() + this.timeoutMs
    for (let count = 0; ; count++) {
      try {
        return await attempt()
      } catch (error) {
        if (!(error instanceof MillraceError && error.retriable)) throw error
        if (this.cluster.isClosed || this.cluster.clock.monotonic() >= deadline) throw error
        if (target.kind === 'coordinator') this.cluster.forgetCoordinator(target.type, target.key)
        await this.cluster.backOff(count)
      }
    }
  }

  async connect(target: Target): Promise<BrokerConnection> {
    switch (target.kind) {
      case 'any':
        return this.cluster.anyConnection()
      case 'node':
        await this.nodes()
        return this.cluster.connect(target.node)
      case 'coordinator': {
        const { id } = await this.cluster.coordinator(target.type, target.key)
        return this.cluster.connect(id)
      }
    }
  }

  /** Ids of all brokers. */
  async nodes(): Promise<number[]> {
    if (this.cluster.metadata.nodes.size === 0)
      await this.retry(anyBroker, () => this.cluster.refresh())
    return [...this.cluster.metadata.nodes.keys()]
  }

  /** Sends a request to every broker and joins the replies. */
  async everywhere<T>(ask: (node: Target) => Promise<readonly T[]>): Promise<T[]> {
    await this.retry(anyBroker, () => this.cluster.refresh())
    const nodes = await this.nodes()
    return (await Promise.all(nodes.map((node) => ask({ kind: 'node', node })))).flat()
  }

  /** Runs `work` for each name; failures are reported together. */
  async forEach<T>(
    names: readonly string[],
    work: (name: string) => Promise<T>,
  ): Promise<Map<string, T>> {
    const outcomes = new Outcomes<T>()
    await Promise.all(
      names.map(async (name) => {
        try {
          outcomes.results.set(name, await work(name))
        } catch (error) {
          if (!(error instanceof MillraceError)) throw error
          outcomes.fail(name, error)
        }
      }),
    )
    return outcomes.all()
  }
}
