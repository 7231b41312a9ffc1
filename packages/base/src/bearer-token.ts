// SPDX-License-Identifier: Apache-2.0

/** The token of a client's first message of SASL OAUTHBEARER (RFC 7628); undefined if malformed. */
export function bearerToken(message: string): string | undefined {
  const [header = '', ...fields] = message.split('\u0001')
  // The message ends with two separators.
  if (!/^n,(?:a=[^,]*)?,$/.test(header) || fields.splice(-2).join('') !== '') return undefined
  const pairs = new Map(
    fields.map((field): [string, string] => {
      const at = field.indexOf('=')
      return [field.slice(0, Math.max(at, 0)), field.slice(at + 1)]
    }),
  )
  if ([...pairs.keys()].some((key) => !/^[A-Za-z]+$/.test(key))) return undefined
  return /^bearer +([^ ]+) *$/i.exec(pairs.get('auth') ?? '')?.[1]
}
