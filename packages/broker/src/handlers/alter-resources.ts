// SPDX-License-Identifier: Apache-2.0
import { ErrorCode, ProtocolError } from '@millrace/protocol'
import { type ConfigChange, changeConfigs } from '../metadata/config-operations.ts'
import { ConfigResourceType } from '../metadata/metadata-image.ts'
import type { NewMetadataRecord } from '../metadata/metadata-record.ts'
import { requireConfigs } from './config-access.ts'
import type { RequestContext } from './handler.ts'
import { type ItemOutcome, itemOutcome, refusedItems } from './outcome.ts'

interface ResourceChange {
  readonly type: number
  readonly name: string
  readonly changes: (current: ReadonlyMap<string, string>) => readonly ConfigChange[]
}

interface ResourceResponse extends ItemOutcome {
  readonly resourceType: number
  readonly resourceName: string
}

/** Changes resources one by one: an error of one does not affect the others. */
export function alterResources(
  requestContext: RequestContext,
  request: { readonly validateOnly: boolean; readonly resources: readonly ResourceChange[] },
): Promise<ResourceResponse[]> {
  const { broker } = requestContext
  const key = ({ type, name }: ResourceChange): string => `${type}:${name}`
  const counts = Map.groupBy(request.resources, key)
  return broker.metadata.propose((image) => {
    const context = { image, config: broker.config, layers: broker.topics.brokerLayers }
    const records: NewMetadataRecord[] = []
    const reply = request.resources.map((resource): ResourceResponse => {
      const outcome = itemOutcome(() => {
        if ((counts.get(key(resource))?.length ?? 0) > 1) {
          throw new ProtocolError('INVALID_REQUEST', 'Each resource must appear at most once.')
        }
        const { type, changes } = resource
        requireConfigs(type, resource.name, requestContext)
        const name = nodeName(resource)
        records.push(...changeConfigs(context, { type, name }, changes(image.configs(type, name))))
      })
      // What brokers check themselves is denied without a text.
      const isSilent =
        outcome.errorCode === ErrorCode.CLUSTER_AUTHORIZATION_FAILED &&
        resource.type !== ConfigResourceType.clientMetrics
      return {
        ...outcome,
        errorMessage: isSilent ? null : outcome.errorMessage,
        resourceType: resource.type,
        resourceName: resource.name,
      }
    })
    return {
      records: request.validateOnly ? [] : records,
      reply,
      refused: (error) => refusedItems(reply, error),
    }
  })
}

/** As in Kafka, a broker id may have leading zeros or a sign. */
function nodeName({ type, name }: ResourceChange): string {
  if (type !== ConfigResourceType.broker || name === '') return name
  if (!/^[+-]?\d+$/.test(name)) {
    throw new ProtocolError('INVALID_REQUEST', `Node id must be an integer, but it is: ${name}`)
  }
  return String(Number(name))
}
