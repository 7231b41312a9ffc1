// SPDX-License-Identifier: Apache-2.0
import * as messages from './messages.ts'
import type { MessageSchema } from './schema.ts'

/** One Kafka API: its key and the schemas of its request and response. */
export interface Api {
  /** Number of the API in the request header. */
  readonly key: number
  /** Kafka's name, as `EndTxn`. */
  readonly name: ApiName
  /** Schema of the request. */
  readonly request: MessageSchema
  /** Schema of the response. */
  readonly response: MessageSchema
  /**
   * The newest version exists but is not final: brokers do not advertise it unless configured to.
   */
  readonly latestVersionUnstable: boolean
}

type Messages = typeof messages

/** Name of an API: `EndTxn` has the schemas `EndTxnRequest` and `EndTxnResponse`. */
export type ApiName = keyof {
  [N in keyof Messages as N extends `${infer A}Request` ? A : never]: true
} &
  string

/** Every API of Apache Kafka 4.4.0 by key; the four removed ones (4 to 7) are absent. */
export const apis: ReadonlyMap<number, Api> = new Map(
  Object.entries(messages)
    .filter(([name]) => name.endsWith('Request'))
    .map(([requestName, request]: [string, MessageSchema]) => apiOf(requestName, request))
    .sort((a, b) => a.key - b.key)
    .map((api) => [api.key, api]),
)

function apiOf(requestName: string, request: MessageSchema): Api {
  const name = requestName.replace(/Request$/, '') as ApiName
  const response: MessageSchema | undefined = new Map<string, MessageSchema>(
    Object.entries(messages),
  ).get(`${name}Response`)
  if (response === undefined || request.apiKey === undefined) {
    throw new TypeError(`${requestName} lacks a key or a response`)
  }
  const latestVersionUnstable = request.latestVersionUnstable ?? false
  return { key: request.apiKey, name, request, response, latestVersionUnstable }
}

type ApiKeys = { readonly [A in ApiName]: Messages[`${A}Request`]['apiKey'] }

/** API keys by name. */
export const ApiKey: ApiKeys = Object.fromEntries(
  [...apis.values()].map(({ name, key }) => [name, key]),
) as ApiKeys
/** A key that an API has. */
export type ApiKey = ApiKeys[ApiName]
