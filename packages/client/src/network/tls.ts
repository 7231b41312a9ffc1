// SPDX-License-Identifier: Apache-2.0
import type { ConnectionOptions } from 'node:tls'
import { MillraceError, systemErrorCode } from '@millrace/base'

/** Options of `tls.connect`: `ca`, `cert`, `key`, `servername`, `rejectUnauthorized` … */
export type TlsOptions = ConnectionOptions

const FAILURE =
  /^(ERR_TLS|ERR_SSL|ERR_OSSL|CERT_|CRL_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH|HOSTNAME_MISMATCH|EPROTO)/

/** Whether a connection failed because of TLS: a rejected certificate will be rejected again. */
export function isTlsFailure(error: unknown): boolean {
  return FAILURE.test(systemErrorCode(error) ?? '')
}

const parts = ['cert', 'key', 'pfx', 'crl', 'ca', 'ciphers'] as const

/** Throws `MILLRACE_INVALID_OPTION` for certificates and keys that OpenSSL cannot read. */
export function checkTls(tls: TlsOptions): void {
  const given = parts.filter((part) => tls[part] !== undefined)
  if (given.length === 0) return
  const { createSecureContext } = process.getBuiltinModule('node:tls')
  const { passphrase } = tls
  const check = (name: string, options: TlsOptions): void => {
    try {
      createSecureContext({ ...options, ...(passphrase === undefined ? {} : { passphrase }) })
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw new MillraceError('MILLRACE_INVALID_OPTION', `invalid ${name}: ${reason}`, { cause })
    }
  }
  for (const part of given) check(`tls.${part}`, { [part]: tls[part] })
  check('tls', tls)
}
