// SPDX-License-Identifier: Apache-2.0
import { MillraceError } from '@millrace/base'

/** A request that the registry refuses, with the status and the code of Confluent's REST API. */
export class RegistryError extends MillraceError {
  override readonly name = 'RegistryError'
  /** HTTP status. */
  readonly status: number
  /** `error_code` of the response. */
  readonly errorCode: number

  /** Creates the error; `status` is the first three digits of `errorCode` unless given. */
  constructor(
    errorCode: number,
    message: string,
    options: { readonly status?: number; readonly cause?: unknown } = {},
  ) {
    super('MILLRACE_SCHEMA_REGISTRY', message, {
      cause: options.cause,
      retriable: errorCode >= 50_000,
    })
    this.errorCode = errorCode
    this.status = options.status ?? Number(String(errorCode).slice(0, 3))
  }
}

/** The errors of the REST API, by what was wrong with the request. */
export const errors = {
  subjectNotFound: (subject: string) => new RegistryError(40401, `Subject '${subject}' not found.`),
  versionNotFound: (version: number) => new RegistryError(40402, `Version ${version} not found.`),
  schemaNotFound: (id?: number | string) =>
    new RegistryError(40403, id === undefined ? 'Schema not found' : `Schema ${id} not found`),
  subjectSoftDeleted: (subject: string) =>
    new RegistryError(
      40404,
      `Subject '${subject}' was soft deleted.Set permanent=true to delete permanently`,
    ),
  subjectNotSoftDeleted: (subject: string) =>
    new RegistryError(
      40405,
      `Subject '${subject}' was not deleted first before being permanently deleted`,
    ),
  versionSoftDeleted: (subject: string, version: number) =>
    new RegistryError(
      40406,
      `Subject '${subject}' Version ${version} was soft deleted.Set permanent=true to delete permanently`,
    ),
  versionNotSoftDeleted: (subject: string, version: number) =>
    new RegistryError(
      40407,
      `Subject '${subject}' Version ${version} was not deleted first before being permanently deleted`,
    ),
  subjectHasNoConfig: (subject: string) =>
    new RegistryError(
      40408,
      `Subject '${subject}' does not have subject-level compatibility configured`,
    ),
  subjectHasNoMode: (subject: string) =>
    new RegistryError(40409, `Subject '${subject}' does not have subject-level mode configured`),
  incompatible: (subject: string, details: string) =>
    new RegistryError(
      40901,
      `Schema being registered is incompatible with an earlier schema for subject "${subject}", details: ${details}`,
    ),
  invalidSchema: (message: string, cause?: unknown) => new RegistryError(42201, message, { cause }),
  invalidVersion: (version: string) =>
    new RegistryError(
      42202,
      `The specified version '${version}' is not a valid version id. Allowed values are between [1, 2^31-1] and the string "latest"`,
    ),
  invalidCompatibility: () =>
    new RegistryError(
      42203,
      'Invalid compatibility level. Valid values are none, backward, forward, full, backward_transitive, forward_transitive, and full_transitive',
    ),
  invalidMode: (
    message = 'Invalid mode. Valid values are READWRITE, READONLY, IMPORT and FORWARD.',
  ) => new RegistryError(42204, message),
  notPermitted: (message: string) => new RegistryError(42205, message),
  referenceExists: (subject: string, version: number) =>
    new RegistryError(
      42206,
      `One or more references exist to the schema {magic=1,keytype=SCHEMA,subject=${subject},version=${version}}.`,
    ),
  invalidSubject: (subject: string) =>
    new RegistryError(42208, `The specified subject '${subject}' is not a valid.`),
  schemaTooLarge: (cause?: unknown) =>
    new RegistryError(42209, 'Register operation failed because schema is too large', { cause }),
  invalidRules: (message: string) => new RegistryError(42210, message),
  contextNotEmpty: (context: string) =>
    new RegistryError(42211, `The specified context '${context}' is not empty.`),
  store: (message: string, cause?: unknown) => new RegistryError(50001, message, { cause }),
  timeout: (message: string, cause?: unknown) => new RegistryError(50002, message, { cause }),
  forwarding: (message: string, cause?: unknown) => new RegistryError(50003, message, { cause }),
  unknownLeader: (message: string) => new RegistryError(50004, message),
  tooManyRequests: () =>
    new RegistryError(429, 'too many large schemas are being evaluated; retry later'),
  /** The body is not what the path expects. */
  badRequest: (message: string) => new RegistryError(400, message),
} as const
