// SPDX-License-Identifier: Apache-2.0

/** TLS versions that are supported, oldest first. */
export const tlsVersions = ['TLSv1.2', 'TLSv1.3'] as const

/** OpenSSL's name of a cipher suite that has the name of the standards, as Java uses. */
export function openSslCipherName(suite: string): string {
  const [, exchange, cipher] = /^TLS_(?:(.*)_WITH_)(.*)$/.exec(suite) ?? []
  if (exchange === undefined || cipher === undefined) return suite
  const short = cipher
    .replace(/^AES_(\d+)_/, 'AES$1_')
    .replace('_CBC_', '_')
    .replace('CHACHA20_POLY1305_SHA256', 'CHACHA20_POLY1305')
  const name = exchange === 'RSA' ? short : `${exchange}_${short}`
  return name.replaceAll('_', '-')
}
