// SPDX-License-Identifier: Apache-2.0
import { ProtocolError } from '@millrace/protocol'
import { type ConfigChange, changeConfigs, checkResource } from '../metadata/config-operations.ts'
import type { NewMetadataRecord } from '../metadata/metadata-record.ts'
import type { RequestContext } from './handler.ts'
import { type ItemOutcome, itemOutcome } from './outcome.ts'

interface ResourceChange {
  readonly type: number
  readonly name: string
  readonly changes: (current: ReadonlyMap<string, string>) => readonly ConfigChange[]
}

interface ResourceResponse extends ItemOutcome {
  readonly resourceType: number
  readonly resourceName: string
}

/** Changes resources one by one: an error of one leaves the others alone. */
export function alterResources(
  { broker }: RequestContext,
  request: { readonly validateOnly: boolean; readonly resources: readonly ResourceChange[] },
): Promise<ResourceResponse[]> {
  return broker.metadata.propose((image) => {
    const records: NewMetadataRecord[] = []
    const seen = new Set<string>()
    const reply = request.resources.map(({ type, name, changes }): ResourceResponse => {
      const outcome = itemOutcome(() => {
        const key = `${type}:${name}`
        if (seen.has(key)) {
          throw new ProtocolError('INVALID_REQUEST', 'Each resource must appear at most once.')
        }
        seen.add(key)
        checkResource(image, { type, name }, broker.nodeId)
        records.push(...changeConfigs(image, { type, name }, changes(image.configs(type, name))))
      })
      return { ...outcome, resourceType: type, resourceName: name }
    })
    return { records: request.validateOnly ? [] : records, reply }
  })
}
