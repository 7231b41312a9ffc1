// SPDX-License-Identifier: Apache-2.0
import type { ConnectionOptions } from 'node:tls'

/** Options of `tls.connect`: `ca`, `cert`, `key`, `servername`, `rejectUnauthorized` … */
export type TlsOptions = ConnectionOptions
