// SPDX-License-Identifier: Apache-2.0
import { Der } from './der.ts'

/** Attributes that RFC 2253 names; Java shows others by their identifier, encoded. */
const NAMES: Readonly<Record<string, string>> = {
  '2.5.4.3': 'CN',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.9': 'STREET',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
  '0.9.2342.19200300.100.1.1': 'UID',
  '0.9.2342.19200300.100.1.25': 'DC',
}

const VERSION_TAG = 0xa0

/**
 * The subject of a certificate as Java's `X500Principal.getName()` writes it: RFC 2253, the most
 * specific part first, which is the reverse of the order in the certificate.
 */
export function distinguishedName(certificate: Buffer): string {
  const fields = new Der(certificate).part(0).parts
  const afterVersion = fields[0]?.tag === VERSION_TAG ? 1 : 0
  // Serial number, signature algorithm, issuer, validity, subject.
  const subject = fields[afterVersion + 4]
  return (subject?.parts ?? [])
    .map((rdn) => rdn.parts.map(attributeText).join('+'))
    .reverse()
    .join(',')
}

function attributeText(attribute: Der): string {
  const { oid } = attribute.part(0)
  const value = attribute.part(1)
  const name = NAMES[oid]
  const text = name === undefined ? undefined : textOf(value)
  if (name === undefined || text === undefined) return `${oid}=#${value.bytes.toString('hex')}`
  return `${name}=${escaped(text)}`
}

/** Text of a DER string; undefined for values of other types. */
function textOf({ tag, contents }: Der): string | undefined {
  switch (tag) {
    case 0x0c:
      return contents.toString('utf8')
    case 0x13:
    case 0x14:
    case 0x16:
    case 0x1b:
      return contents.toString('latin1')
    case 0x1e:
      return Buffer.from(contents).swap16().toString('utf16le')
    default:
      return undefined
  }
}

function escaped(text: string): string {
  return text
    .replace(/[,+"\\<>;=#]/g, '\\$&')
    .replace(/^ /, '\\ ')
    .replace(/ +$/, (blanks) => '\\ '.repeat(blanks.length))
}
