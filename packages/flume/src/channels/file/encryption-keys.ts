// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import { secretKeysOf } from '@millrace/base/keystore'
import type { ComponentContext } from '../../component.ts'
import { type CheckProblem, splitWords } from '../../config/keys.ts'
import { pathOf } from '../../config/paths.ts'
import { ChannelError, reasonOf } from '../../errors.ts'
import { aesCtr, type Cipher } from './encryption.ts'

/** Reads the keys that the configuration names; undefined when it names none. */
export function cipherOf(
  settings: ReadonlyMap<string, string>,
  { directory, world }: ComponentContext,
): Cipher | undefined {
  const setting = (name: string): string => settings.get(name)?.trim() ?? ''
  const active = setting('activeKey')
  if (active === '') return undefined
  const names = splitWords(setting('keyProvider.keys'))
  const password = (file: string): string =>
    readFileSync(pathOf(file, directory), 'utf8').replace(/\r?\n$/, '')
  const storeFile = setting('keyProvider.keyStoreFile')
  const storePassword = password(setting('keyProvider.keyStorePasswordFile'))
  const passwords = new Map(
    names.map((name) => {
      const own = settings.get(`keyProvider.keys.${name}.passwordFile`)
      return [name, own === undefined ? storePassword : password(own)]
    }),
  )
  try {
    const keys = secretKeysOf(readFileSync(pathOf(storeFile, directory)), storePassword, passwords)
    return aesCtr(keys, active, world.random)
  } catch (error) {
    throw new ChannelError(
      `cannot read the keys in encryption.keyProvider.keyStoreFile ${storeFile}: ${reasonOf(error)}`,
      error,
    )
  }
}

export function checkEncryption(settings: ReadonlyMap<string, string>): CheckProblem[] {
  if (settings.size === 0) return []
  const problems: CheckProblem[] = []
  const expect = (name: string, allowed?: RegExp, words?: string): void => {
    const value = settings.get(name)?.trim() ?? ''
    const key = `encryption.${name}`
    if (value === '') problems.push({ key, message: 'is missing: encryption needs it' })
    else if (allowed?.test(value) === false) {
      problems.push({ key, message: `is ${JSON.stringify(value)}; expected ${words}` })
    }
  }
  expect('activeKey')
  expect('cipherProvider', /^(AESCTRNOPADDING|.*AESCTRNoPaddingProvider.*)$/i, 'AESCTRNOPADDING')
  expect('keyProvider', /^(JCEKSFILE|.*JCEFileKeyProvider.*)$/i, 'JCEKSFILE')
  expect('keyProvider.keyStoreFile')
  expect('keyProvider.keyStorePasswordFile')
  expect('keyProvider.keys')
  const names = splitWords(settings.get('keyProvider.keys') ?? '')
  const active = settings.get('activeKey')
  if (active !== undefined && names.length > 0 && !names.includes(active.trim())) {
    problems.push({
      key: 'encryption.activeKey',
      message: `is ${JSON.stringify(active)}; expected one of encryption.keyProvider.keys: ${names.join(', ')}`,
    })
  }
  for (const key of settings.keys()) {
    if (
      /^(activeKey|cipherProvider|keyProvider(\.(keyStoreFile|keyStorePasswordFile|keys(\..+\.passwordFile)?))?)$/.test(
        key,
      )
    ) {
      continue
    }
    problems.push({ key: `encryption.${key}`, message: 'is not known', effect: 'none' })
  }
  return problems
}

export function encryptionOf(config: {
  readonly encryption: ReadonlyMap<string, string>
  readonly misspelt1: ReadonlyMap<string, string>
  readonly misspelt2: ReadonlyMap<string, string>
}): ReadonlyMap<string, string> {
  return new Map([...config.misspelt1, ...config.misspelt2, ...config.encryption])
}
