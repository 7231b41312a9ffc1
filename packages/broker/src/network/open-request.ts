// SPDX-License-Identifier: Apache-2.0
import { ByteReader, ByteWriter, MalformedInputError } from '@millrace/base'
import {
  type Api,
  ApiKey,
  ApiVersionsResponse,
  apis,
  codecOf,
  inVersions,
  readRequestHeader,
  skipHeaderTags,
} from '@millrace/protocol'
import type { BrokerServices } from '../broker-services.ts'
import { CONTROLLER_APIS, unsupportedApiVersions } from '../handlers/api-versions.ts'
import type { ReplyPiece } from './reply-output.ts'
import { framed } from './response-frame.ts'

type Handlers = BrokerServices['handlers']
type Handler = NonNullable<ReturnType<Handlers['get']>>

/** Requests whose only effect is their reply. */
const READ_ONLY_APIS: ReadonlySet<number> = new Set([
  ApiKey.ApiVersions,
  ApiKey.ConsumerGroupDescribe,
  ApiKey.DescribeAcls,
  ApiKey.DescribeClientQuotas,
  ApiKey.DescribeCluster,
  ApiKey.DescribeConfigs,
  ApiKey.DescribeGroups,
  ApiKey.DescribeLogDirs,
  ApiKey.DescribeProducers,
  ApiKey.DescribeQuorum,
  ApiKey.DescribeShareGroupOffsets,
  ApiKey.DescribeTopicPartitions,
  ApiKey.DescribeTransactions,
  ApiKey.DescribeUserScramCredentials,
  ApiKey.Fetch,
  ApiKey.FindCoordinator,
  ApiKey.ListConfigResources,
  ApiKey.ListGroups,
  ApiKey.ListOffsets,
  ApiKey.ListPartitionReassignments,
  ApiKey.ListTransactions,
  ApiKey.Metadata,
  ApiKey.OffsetFetch,
  ApiKey.OffsetForLeaderEpoch,
  ApiKey.ShareGroupDescribe,
  ApiKey.StreamsGroupDescribe,
])

/** A request whose header was read. */
export interface OpenedRequest {
  readonly kind: 'opened'
  readonly api: Api
  readonly version: number
  readonly correlationId: number
  readonly clientId: string | null
  readonly handler: Handler
  /** At the start of the body. */
  readonly reader: ByteReader
}

/**
 * Reads the header of a request. An ApiVersions request in an unknown version is refused with a
 * reply, from which the client learns the versions. Throws `MalformedInputError` for an API that
 * the listener does not have, and for another unknown version: Kafka closes the connection, too.
 */
export function openRequest(
  frame: Buffer,
  handlers: Handlers,
  listener: { readonly isController: boolean },
): OpenedRequest | { readonly kind: 'refused'; readonly pieces: readonly ReplyPiece[] } {
  const reader = new ByteReader(frame)
  const { apiKey, apiVersion: version, correlationId, clientId } = readRequestHeader(reader)
  const api = apis.get(apiKey)
  const handler = handlers.get(apiKey)
  const isAllowed = !listener.isController || CONTROLLER_APIS.has(apiKey)
  if (api === undefined || handler === undefined || !isAllowed) {
    throw new MalformedInputError(`API key ${apiKey} is not answered here`)
  }
  const isUnstable = api.latestVersionUnstable && !inVersions(api.request.versions, version + 1)
  if (!inVersions(api.request.versions, version) || isUnstable) {
    if (apiKey !== ApiKey.ApiVersions) {
      throw new MalformedInputError(`${api.name} has no version ${version}`)
    }
    const writer = new ByteWriter(64)
    writer.int32(correlationId)
    codecOf(ApiVersionsResponse, 0).encode(writer, unsupportedApiVersions())
    return { kind: 'refused', pieces: framed(writer) }
  }
  skipHeaderTags(reader, api, version)
  return { kind: 'opened', api, version, correlationId, clientId, handler, reader }
}

/** Whether the only effect of a request is its reply. */
export function isReadOnly(frame: Buffer): boolean {
  return frame.length >= 2 && READ_ONLY_APIS.has(frame.readInt16BE(0))
}

/** Whether a request may start while the one before it waits for the disk. */
export function isPipelined(frame: Buffer, handlers: Handlers): boolean {
  return frame.length >= 2 && handlers.get(frame.readInt16BE(0))?.isPipelined === true
}
