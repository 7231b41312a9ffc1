// SPDX-License-Identifier: Apache-2.0
import { tableEncoder } from './table-encoder.ts'

/** A character set: bytes to text and back. */
export interface Charset {
  /** The configured name. */
  readonly name: string
  /** Throws a `TypeError` for invalid bytes. */
  decodeStrictly(bytes: Uint8Array): string
  /** Invalid bytes become U+FFFD. */
  decode(bytes: Uint8Array): string
  /** Characters outside of the set become a question mark. */
  encode(text: string): Buffer
}

/** Java's names that the Encoding Standard lacks, in lower case. */
const JAVA_NAMES: Readonly<Record<string, string>> = {
  utf_8: 'utf-8',
  gb_2312: 'gbk',
  'euc-cn': 'gbk',
  cp936: 'gbk',
  ms936: 'gbk',
  cp932: 'shift_jis',
  ms932: 'shift_jis',
  cp949: 'euc-kr',
  ms949: 'euc-kr',
  cp950: 'big5',
  ms950: 'big5',
  eucjp: 'euc-jp',
  euc_jp: 'euc-jp',
  euc_kr: 'euc-kr',
  koi8_r: 'koi8-r',
  koi8_u: 'koi8-u',
  macroman: 'macintosh',
}

/**
 * The character set with a name of Java or of the Encoding Standard. Throws an `Error` that lists
 * some.
 */
export function charsetOf(name: string): Charset {
  const wanted = name.trim().toLowerCase()
  if (/^(iso[-_]?8859[-_]1|8859_1|latin1|l1|cp819|ibm819)$/.test(wanted))
    return singleByte(name, 0xff)
  if (/^(us-ascii|ascii|iso646-us|ansi_x3\.4-1968|cp367)$/.test(wanted))
    return singleByte(name, 0x7f)
  const label = labelOf(wanted)
  let encoding: string
  try {
    encoding = new TextDecoder(label).encoding
  } catch {
    throw new Error('a character set such as UTF-8, ISO-8859-1, windows-1252, GBK, Shift_JIS')
  }
  const strict = new TextDecoder(label, { fatal: true, ignoreBOM: true })
  const lenient = new TextDecoder(label, { ignoreBOM: true })
  const encode = encoderOf(wanted, encoding)
  return {
    name,
    decodeStrictly: (bytes) => strict.decode(bytes),
    decode: (bytes) => lenient.decode(bytes),
    encode,
  }
}

function labelOf(name: string): string {
  const known = Object.hasOwn(JAVA_NAMES, name) ? JAVA_NAMES[name] : undefined
  if (known !== undefined) return known
  const iso = /^(?:iso[-_]?)?8859[-_](\d+)$/.exec(name)?.[1]
  if (iso !== undefined) return `iso-8859-${iso}`
  const windows = /^cp(125\d|874|866)$/.exec(name)?.[1]
  if (windows !== undefined) return windows === '866' ? 'ibm866' : `windows-${windows}`
  return name
}

function encoderOf(name: string, encoding: string): (text: string) => Buffer {
  switch (encoding) {
    case 'utf-8':
      return (text) => Buffer.from(text)
    case 'utf-16le':
      // Java writes UTF-16 as big endian with a byte order mark.
      return name === 'utf-16'
        ? (text) => Buffer.concat([Buffer.of(0xfe, 0xff), Buffer.from(text, 'utf16le').swap16()])
        : (text) => Buffer.from(text, 'utf16le')
    case 'utf-16be':
      return (text) => Buffer.from(text, 'utf16le').swap16()
    default:
      return tableEncoder(encoding)
  }
}

/** The first 256 characters of Unicode, one byte each. */
function singleByte(name: string, last: number): Charset {
  const decode = (bytes: Uint8Array): string => {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
    return last === 0xff ? text : text.replace(/[\u0080-\u00ff]/g, '\ufffd')
  }
  return {
    name,
    decode,
    decodeStrictly(bytes) {
      if (bytes.some((byte) => byte > last)) throw new TypeError(`bytes that are not ${name}`)
      return decode(bytes)
    },
    encode(text) {
      const known = Array.from(text, (character) => {
        const code = character.codePointAt(0) as number
        return code > last ? 0x3f : code
      })
      return Buffer.from(known)
    },
  }
}
