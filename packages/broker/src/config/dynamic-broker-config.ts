// SPDX-License-Identifier: Apache-2.0
import type { Logger } from '@millrace/base'
import { ConfigResourceType, type MetadataImage } from '../metadata/metadata-image.ts'
import type { MetadataRecord } from '../metadata/metadata-record.ts'
import type { BrokerConfig } from './broker-config.ts'
import { checkDynamicChange, mergeLevels } from './dynamic-broker-rules.ts'
import type { BrokerLayers } from './topic-config.ts'

/** Follows dynamic broker configuration in the metadata and applies the valid values (KIP-226). */
export class DynamicBrokerConfig {
  readonly #image: MetadataImage
  readonly #config: BrokerConfig
  readonly #logger: Logger
  #own: ReadonlyMap<string, string> = new Map()
  #defaults: ReadonlyMap<string, string> = new Map()

  constructor(image: MetadataImage, config: BrokerConfig, logger: Logger) {
    this.#image = image
    this.#config = config
    this.#logger = logger
    this.#update()
  }

  /** Current values by source. */
  get layers(): BrokerLayers {
    return { file: this.#config, dynamic: this.#own, dynamicDefault: this.#defaults }
  }

  /** Processes records that were applied to the image. */
  follow(records: readonly MetadataRecord[]): void {
    const isOfBrokers = (record: MetadataRecord): boolean =>
      record.kind === 'ConfigRecord' && record.data.resourceType === ConfigResourceType.broker
    if (records.some(isOfBrokers)) this.#update()
  }

  #update(): void {
    this.#defaults = this.#valid('', new Map())
    this.#own = this.#valid(String(this.#config.nodeId), this.#defaults)
    this.#config.applyDynamic(mergeLevels(new Map(), this.#defaults, this.#own))
  }

  /**
   * A directory may hold values that this release does not accept: as in Kafka, each is ignored on
   * its own.
   */
  #valid(resourceName: string, other: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
    const stored = this.#image.configs(ConfigResourceType.broker, resourceName)
    const check = (proposed: ReadonlyMap<string, string>): void =>
      checkDynamicChange({
        given: this.#config.given,
        running: undefined,
        proposed,
        other,
        isDefault: resourceName === '',
      })
    const valid = new Map<string, string>()
    for (const [name, value] of stored) {
      try {
        check(new Map([...valid, [name, value]]))
        valid.set(name, value)
      } catch (error) {
        this.#logger.error('ignored a stored configuration', { key: name, error })
      }
    }
    return valid
  }
}
