// SPDX-License-Identifier: Apache-2.0
import type { ByteReader, ByteWriter } from '@millrace/base'
import { MalformedInputError } from '@millrace/base'
import { type Api, ApiKey } from './schemas/apis.ts'
import { inVersions } from './schemas/schema.ts'

/**
 * The header of a request. Most APIs use header v1; flexible versions use v2, which ends in tagged
 * fields.
 */
export interface RequestHeader {
  /** API key. */
  readonly apiKey: number
  /** Version of the API. */
  readonly apiVersion: number
  /** Correlation id, which the response repeats. */
  readonly correlationId: number
  /** Client id, or null. */
  readonly clientId: string | null
}

/**
 * Reads the fields common to all header versions; `skipHeaderTags` reads the rest once the API is
 * known.
 */
export function readRequestHeader(reader: ByteReader): RequestHeader {
  const apiKey = reader.int16()
  const apiVersion = reader.int16()
  const correlationId = reader.int32()
  // The client id has a two-byte length even in the flexible header, so that any broker can read
  // it.
  const size = reader.int16()
  if (size < -1) throw new MalformedInputError(`client id has size ${size}`)
  const clientId = size === -1 ? null : reader.utf8(size)
  return { apiKey, apiVersion, correlationId, clientId }
}

/** Skips the tagged fields of a flexible request header. */
export function skipHeaderTags(reader: ByteReader, api: Api, version: number): void {
  if (!inVersions(api.request.flexible, version)) return
  const count = reader.uvarint()
  if (count > 10_000) throw new MalformedInputError(`request header claims ${count} tagged fields`)
  for (let i = 0; i < count; i++) {
    reader.uvarint()
    reader.skip(reader.uvarint())
  }
}

/** Writes a request header, flexible if the API version is. */
export function writeRequestHeader(
  writer: ByteWriter,
  api: Api,
  header: Omit<RequestHeader, 'apiKey'>,
): void {
  writer.int16(api.key)
  writer.int16(header.apiVersion)
  writer.int32(header.correlationId)
  if (header.clientId === null) writer.int16(-1)
  else {
    const size = Buffer.byteLength(header.clientId)
    writer.int16(size)
    writer.utf8(header.clientId, size)
  }
  if (inVersions(api.request.flexible, header.apiVersion)) writer.uvarint(0)
}

/**
 * Writes a response header: v0, or v1 with tagged fields for flexible versions. ApiVersions always
 * uses v0, because the client does not know yet what the broker supports (KIP-511).
 */
export function writeResponseHeader(
  writer: ByteWriter,
  api: Api,
  version: number,
  correlationId: number,
): void {
  writer.int32(correlationId)
  if (api.key !== ApiKey.ApiVersions && inVersions(api.response.flexible, version))
    writer.uvarint(0)
}

/** Reads a response header and returns its correlation id. */
export function readResponseHeader(
  reader: ByteReader,
  api: Api,
  version: number,
): { readonly correlationId: number } {
  const correlationId = reader.int32()
  if (api.key !== ApiKey.ApiVersions && inVersions(api.response.flexible, version)) {
    const count = reader.uvarint()
    for (let i = 0; i < count; i++) {
      reader.uvarint()
      reader.skip(reader.uvarint())
    }
  }
  return { correlationId }
}
