// SPDX-License-Identifier: Apache-2.0
// SCRAM users of a new cluster, in the syntax of `kafka-storage format --add-scram` (KIP-900).
import { type Random, scramCredential, scramSalt } from '@millrace/base'
import { ConfigError } from '../../config/config-definition.ts'
import type { NewMetadataRecord } from '../metadata-record.ts'
import { MAX_ITERATIONS, MIN_ITERATIONS, upsertCredential } from './scram-credentials.ts'

const MECHANISMS = { 'SCRAM-SHA-256': [1, 'sha256'], 'SCRAM-SHA-512': [2, 'sha512'] } as const
const FIELDS = ['name', 'password', 'salt', 'saltedpassword', 'iterations']

/** A user as specified: with a password, or with the salted form of one. */
export interface ScramUser {
  readonly mechanism: keyof typeof MECHANISMS
  readonly name: string
  readonly iterations: number
  /** Undefined to choose one. */
  readonly salt: Buffer | undefined
  readonly secret:
    | { readonly kind: 'password'; readonly password: string }
    | { readonly kind: 'salted'; readonly saltedPassword: Buffer }
}

function invalid(expected: string): ConfigError {
  // The text has a password in it.
  return new ConfigError(
    'add-scram',
    `Invalid SCRAM user: ${expected}; expected SCRAM-SHA-256=[name=NAME,password=PASSWORD], or iterations, salt and saltedpassword in the brackets`,
  )
}

/** Splits a text of several users, one after another, with anything blank, `;` or `,` between. */
export function splitScramUsers(text: string): string[] {
  const users = text.match(/[\w-]+=\[(?:"(?:\\.|[^"\\])*"|[^\]"])*\]/g) ?? []
  const rest = users.reduce((left, user) => left.replace(user, ''), text)
  if (/[^\s;,]/.test(rest)) throw invalid('the text is not a list of users')
  return users
}

/** Parses one user. Throws `ConfigError`, which quotes no secret. */
export function parseScramUser(text: string): ScramUser {
  const [, mechanism = '', inner] = /^\s*([^=]*)=\[(.*)\]\s*$/s.exec(text) ?? []
  if (inner === undefined) throw invalid('the brackets are missing')
  if (!isMechanism(mechanism)) throw invalid(`there is no mechanism ${mechanism}`)
  const fields = fieldsOf(inner)
  const name = fields.get('name')
  if (name === undefined || name === '') throw invalid('name is missing')
  const password = fields.get('password')
  const salted = fields.get('saltedpassword')
  if ((password === undefined) === (salted === undefined)) {
    throw invalid(`${name} needs one of password and saltedpassword`)
  }
  const salt = fields.get('salt')
  if (salted !== undefined && salt === undefined) {
    throw invalid(`${name} has saltedpassword without salt`)
  }
  if (password === '') throw invalid(`the password of ${name} is empty`)
  const iterations = Number(fields.get('iterations') ?? MIN_ITERATIONS)
  if (!(iterations >= MIN_ITERATIONS && iterations <= MAX_ITERATIONS)) {
    const range = `${MIN_ITERATIONS} to ${MAX_ITERATIONS}`
    throw invalid(`iterations of ${name} is ${fields.get('iterations')}, allowed is ${range}`)
  }
  return {
    mechanism,
    name,
    iterations,
    salt: salt === undefined ? undefined : Buffer.from(salt, 'base64'),
    secret:
      salted === undefined
        ? { kind: 'password', password: password ?? '' }
        : { kind: 'salted', saltedPassword: Buffer.from(salted, 'base64') },
  }
}

function isMechanism(name: string): name is keyof typeof MECHANISMS {
  return name in MECHANISMS
}

/** `key=value` or `key="value"`, separated by commas. */
function fieldsOf(text: string): Map<string, string> {
  const fields = new Map<string, string>()
  const field = /\s*([^=,\s]*)\s*=\s*(?:"((?:\\.|[^"\\])*)"|([^,]*))\s*(,|$)/sy
  while (field.lastIndex < text.length) {
    const match = field.exec(text)
    if (match === null) throw invalid('a field is not KEY=VALUE')
    const [, key = '', quoted, plain = ''] = match
    if (!FIELDS.includes(key)) throw invalid(`there is no field ${key}, only ${FIELDS.join(', ')}`)
    if (fields.has(key)) throw invalid(`${key} is repeated`)
    fields.set(key, quoted === undefined ? plain.trim() : quoted.replace(/\\(.)/gs, '$1'))
  }
  return fields
}

/** Records of the users' credentials. */
export function scramUserRecords(
  users: readonly ScramUser[],
  random: Random,
): Promise<NewMetadataRecord[]> {
  return Promise.all(
    users.map(async (user): Promise<NewMetadataRecord> => {
      const { mechanism, name, iterations, secret } = user
      const [code, digest] = MECHANISMS[mechanism]
      const salt = user.salt ?? scramSalt(random.bytes(24))
      if (secret.kind === 'salted') {
        const { saltedPassword } = secret
        return upsertCredential({ name, mechanism: code, iterations, salt, saltedPassword })
      }
      const credential = await scramCredential(digest, secret.password, { salt, iterations })
      const { storedKey, serverKey } = credential
      const data = { name, mechanism: code, salt, storedKey, serverKey, iterations }
      return { kind: 'UserScramCredentialRecord', version: 0, data }
    }),
  )
}
