// SPDX-License-Identifier: Apache-2.0
import type { SchemaLookup } from '@millrace/broker'

const URL_KEY = 'confluent.schema.registry.url'
const USER_KEY = 'confluent.basic.auth.user.info'

/** Time-out of a question to the registry: a producer waits for it. */
const TIMEOUT_MS = 10_000

/** Whether a key of the configuration file is only for questions to the registry. */
export function isSchemaLookupSetting(key: string): boolean {
  return key === USER_KEY
}

/**
 * The registry that the broker of `millrace start` asks about the schemas of records: that of
 * `confluent.schema.registry.url`, else the one in this process, whose `address` is called with the
 * first question. Undefined if there is none. Loaded with the first question.
 */
export function embeddedSchemaLookup(
  settings: ReadonlyMap<string, string>,
  address: (() => string | undefined) | undefined,
): SchemaLookup | undefined {
  const url = settings.get(URL_KEY)?.trim() ?? ''
  if (url === '' && address === undefined) return undefined
  let lookup: Promise<SchemaLookup> | undefined
  return {
    async isRegistered(question) {
      const urls = url === '' ? address?.() : url
      if (urls === undefined) throw new Error('the schema registry has not started')
      lookup ??= open(urls, settings.get(USER_KEY))
      return (await lookup).isRegistered(question)
    },
  }
}

async function open(urls: string, user: string | undefined): Promise<SchemaLookup> {
  const { RegistrySchemaLookup, SchemaRegistryClient } = await import(
    '@millrace/schema-registry/serdes'
  )
  const [username = '', ...rest] = user?.split(':') ?? []
  const basicAuth = { username, password: rest.join(':') }
  return new RegistrySchemaLookup(
    new SchemaRegistryClient({
      urls,
      timeoutMs: TIMEOUT_MS,
      maxRetries: 0,
      ...(user === undefined ? {} : { basicAuth }),
    }),
  )
}
