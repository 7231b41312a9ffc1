// SPDX-License-Identifier: Apache-2.0
import type { SchemaRegistryClient, SchemaType } from '@millrace/schema-registry/serdes'
import type { ComponentContext } from '../component.ts'
import { ComponentError, reasonOf } from '../errors.ts'
import { clientOptions } from '../kafka/client-properties.ts'
import type { RegistryConfig } from './registry-keys.ts'

/** Time-out of one request, milliseconds; the component retries. */
const TIMEOUT_MS = 10_000

/** Serdes and conversions of JSON, which are loaded when a component uses a registry. */
export type Serdes = typeof import('@millrace/schema-registry/serdes')

/** A registry that a component uses. */
export interface Registry {
  /** The package of its serdes. */
  readonly serdes: Serdes
  /** Its client. */
  readonly client: SchemaRegistryClient
}

/** Formats by the types of serializers and deserializers. */
export const formats = {
  avro: 'AVRO',
  'json-schema': 'JSON',
  protobuf: 'PROTOBUF',
} as const satisfies Readonly<Record<string, SchemaType>>

/** Name of a format in configurations. */
export type FormatName = keyof typeof formats

/** Loads the serdes and creates a client, which connects on first use. */
export async function openRegistry(
  { urls, user, token, ssl }: RegistryConfig,
  context: Pick<ComponentContext, 'directory' | 'logger'>,
): Promise<Registry> {
  const serdes = await loadSerdes()
  const { tls } = ssl.size === 0 ? {} : clientOptions(sslClient(ssl, context))
  const client = new serdes.SchemaRegistryClient({
    urls,
    ...(user === undefined ? {} : { basicAuth: user }),
    ...(token === undefined ? {} : { token }),
    ...(typeof tls === 'object' ? { tls } : {}),
    timeoutMs: TIMEOUT_MS,
    maxRetries: 0,
  })
  return { serdes, client }
}

async function loadSerdes(): Promise<Serdes> {
  try {
    return await import('@millrace/schema-registry/serdes')
  } catch (error) {
    if ((error as { readonly code?: unknown }).code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new ComponentError(
      `the package @millrace/schema-registry is needed: npm install @millrace/schema-registry (${reasonOf(error)})`,
      error,
    )
  }
}

/** The registry's keys of TLS are those of a Kafka client. */
function sslClient(
  ssl: ReadonlyMap<string, string>,
  context: Pick<ComponentContext, 'directory' | 'logger'>,
) {
  const entries = new Map([...ssl].map(([name, value]) => [`ssl.${name}`, value]))
  entries.set('security.protocol', 'SSL')
  return { kind: 'admin', bootstrapServers: 'registry:443', entries, context } as const
}
