// SPDX-License-Identifier: Apache-2.0
import { readFileSync, realpathSync, statSync } from 'node:fs'
import { isAbsolute, join, resolve, sep } from 'node:path'
import { MillraceError, systemErrorCode } from './errors.ts'
import { parseProperties } from './properties-file.ts'

/** Looks up values outside of a configuration (KIP-297). */
interface ConfigProvider {
  /** Value of a key. Throws an `Error` whose message names no value. */
  value(path: string, key: string): string
}

/** Parameters of a provider: `config.providers.<name>.param.<parameter>`. */
type Parameters = ReadonlyMap<string, string>

const PACKAGE = 'org.apache.kafka.common.config.provider.'
const REFERENCE = /\$\{([^}]*?):(?:([^}]*?):)?([^}]*?)\}/g
const MAX_FILE_BYTES = 1024 * 1024

type Environment = Readonly<Record<string, string | undefined>>

const classes: Readonly<
  Record<string, (parameters: Parameters, environment: Environment) => ConfigProvider>
> = {
  FileConfigProvider: (parameters) => {
    const allowed = allowedPaths(parameters)
    const files = new Map<string, ReadonlyMap<string, string>>()
    return {
      value(path, key) {
        let properties = files.get(path)
        if (properties === undefined) {
          properties = parseProperties(readAllowed(path, allowed))
          files.set(path, properties)
        }
        const value = properties.get(key)
        if (value === undefined) throw new Error(`the file has no key ${key}`)
        return value
      },
    }
  },
  DirectoryConfigProvider: (parameters) => {
    const allowed = allowedPaths(parameters)
    return {
      value(path, key) {
        // The key is the name of a file in the directory, never a path.
        if (key === '' || key === '.' || key === '..' || /[/\\\0]/.test(key)) {
          throw new Error('the key is not the name of a file')
        }
        return readAllowed(join(path, key), allowed, path)
      },
    }
  },
  EnvVarConfigProvider: (parameters, environment) => {
    const pattern = parameters.get('allowlist.pattern') ?? '.*'
    let allowed: RegExp
    try {
      allowed = new RegExp(`^(?:${pattern})$`, 's')
    } catch {
      throw new Error('allowlist.pattern is not a regular expression')
    }
    return {
      value(path, key) {
        if (path !== '') throw new Error('an environment variable has no path')
        if (!allowed.test(key)) throw new Error(`allowlist.pattern does not match ${key}`)
        const value = environment[key]
        if (value === undefined) throw new Error(`the environment has no variable ${key}`)
        return value
      },
    }
  },
}

/** Names of the Java classes of the config providers that are supported. */
export const configProviderClasses: readonly string[] = Object.keys(classes).map(
  (name) => `${PACKAGE}${name}`,
)

/** Directories and files that a provider may read; undefined for all. */
function allowedPaths(parameters: Parameters): readonly string[] | undefined {
  const text = parameters.get('allowed.paths')
  if (text === undefined) return undefined
  return splitNames(text).map((path) => {
    if (!isAbsolute(path)) throw new Error(`allowed.paths has ${path}, which is not absolute`)
    try {
      return realpathSync(path)
    } catch {
      throw new Error(`allowed.paths has ${path}, which does not exist`)
    }
  })
}

/**
 * Reads a file if its path, with symbolic links resolved, is allowed. Whether a path that is not
 * allowed exists is not revealed.
 */
function readAllowed(path: string, allowed: readonly string[] | undefined, named = path): string {
  if (named === '') throw new Error('the path is empty')
  const refusal = new Error(`allowed.paths does not allow ${named}`)
  let real: string
  try {
    real = realpathSync(path)
  } catch (error) {
    if (allowed !== undefined && !isWithin(resolve(path), allowed)) throw refusal
    throw new Error(`cannot read ${path} (${systemErrorCode(error) ?? 'unknown error'})`)
  }
  if (allowed !== undefined && (!isAbsolute(path) || !isWithin(real, allowed))) throw refusal
  try {
    const { size } = statSync(real)
    if (size > MAX_FILE_BYTES) throw new Error(`${path} has more than ${MAX_FILE_BYTES} bytes`)
    return readFileSync(real, 'utf8')
  } catch (error) {
    const code = systemErrorCode(error)
    throw code === undefined ? error : new Error(`cannot read ${path} (${code})`)
  }
}

function isWithin(path: string, allowed: readonly string[]): boolean {
  return allowed.some((each) => path === each || path.startsWith(each === sep ? sep : each + sep))
}

function splitNames(text: string): string[] {
  return text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
}

/**
 * Replaces references such as `${file:/etc/secrets.properties:password}` and `${env:PASSWORD}` by
 * the values that the config providers of the same configuration find: `config.providers`,
 * `config.providers.<name>.class` and `….param.allowed.paths` or `….param.allowlist.pattern`.
 * Values are not searched for further references.
 *
 * Only for configurations of the operator: a client that could add references could read files.
 * Throws `INVALID_CONFIG` for a provider or a reference that is invalid; no message has a value.
 */
export function resolveReferences(
  entries: ReadonlyMap<string, string>,
  options: { readonly environment?: Environment } = {},
): Map<string, string> {
  const replace = referenceResolver(entries, options)
  return new Map([...entries].map(([key, value]) => [key, replace(key, value)]))
}

/** The same for one entry at a time: returns the value of a key with its references replaced. */
export function referenceResolver(
  entries: ReadonlyMap<string, string>,
  options: { readonly environment?: Environment } = {},
): (key: string, value: string) => string {
  const providers = providersOf(entries, options.environment ?? process.env)
  if (providers.size === 0) return (_key, value) => value
  return (key, value) => (isProviderKey(key) ? value : replaceReferences(key, value, providers))
}

/** Whether a key belongs to the definition of config providers. */
export function isProviderKey(key: string): boolean {
  return key === 'config.providers' || key.startsWith('config.providers.')
}

function replaceReferences(
  key: string,
  value: string,
  providers: ReadonlyMap<string, ConfigProvider>,
): string {
  return value.replace(REFERENCE, (reference, name: string, path: string | undefined, item) => {
    const provider = providers.get(name)
    // As in Kafka: ${…} of something else stays.
    if (provider === undefined) return reference
    try {
      return provider.value(path ?? '', String(item))
    } catch (error) {
      throw invalid(key, `cannot resolve ${reference}: ${(error as Error).message}`)
    }
  })
}

function providersOf(
  entries: ReadonlyMap<string, string>,
  environment: Environment,
): Map<string, ConfigProvider> {
  const providers = new Map<string, ConfigProvider>()
  for (const name of splitNames(entries.get('config.providers') ?? '')) {
    const classKey = `config.providers.${name}.class`
    const className = entries.get(classKey)?.trim()
    // As in Kafka: a provider without a class is none.
    if (className === undefined) continue
    const create = configProviderClasses.includes(className)
      ? classes[className.slice(PACKAGE.length)]
      : undefined
    if (create === undefined) {
      throw invalid(
        classKey,
        `invalid value ${className}: expected one of ${configProviderClasses.join(', ')}`,
      )
    }
    const prefix = `config.providers.${name}.param.`
    const parameters = new Map(
      [...entries].flatMap(([key, value]) =>
        key.startsWith(prefix) ? [[key.slice(prefix.length), value.trim()] as const] : [],
      ),
    )
    try {
      providers.set(name, create(parameters, environment))
    } catch (error) {
      throw invalid(`config.providers.${name}.param`, (error as Error).message)
    }
  }
  return providers
}

function invalid(key: string, message: string): MillraceError {
  return new MillraceError('INVALID_CONFIG', `${key}: ${message}`)
}

/** Whether accounts other than the owner may read a file. False if it does not exist. */
export function isReadableByOthers(path: string): boolean {
  // Windows has no such bits.
  if (process.platform === 'win32') return false
  try {
    return (statSync(path).mode & 0o044) !== 0
  } catch {
    return false
  }
}
