// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Hadoop settings by name, as `fs.s3a.endpoint`. */
export type HadoopConfiguration = ReadonlyMap<string, string>

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Reads `core-site.xml` where Flume does: in its `--conf` directory or Hadoop's. `overrides` are
 * settings of the sink.
 */
export function hadoopConfiguration(
  confDirectory: string | undefined,
  overrides: ReadonlyMap<string, string>,
  environment: Environment = process.env,
): HadoopConfiguration {
  const { HADOOP_CONF_DIR, HADOOP_HOME } = environment
  const directories = [
    HADOOP_HOME === undefined ? undefined : join(HADOOP_HOME, 'etc/hadoop'),
    HADOOP_CONF_DIR,
    confDirectory,
  ]
  const settings = new Map<string, string>()
  for (const directory of directories) {
    if (directory === undefined) continue
    for (const [name, value] of readSite(join(directory, 'core-site.xml')))
      settings.set(name, value)
  }
  for (const [name, value] of overrides) settings.set(name, value)
  return new Map([...settings].map(([name, value]) => [name, expand(value, settings, environment)]))
}

function readSite(path: string): readonly (readonly [name: string, value: string])[] {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    return []
  }
  const plain = text.replace(/<!--[\s\S]*?-->/g, '')
  return [...plain.matchAll(/<property>([\s\S]*?)<\/property>/g)].flatMap(([, property = '']) => {
    const name = element(property, 'name')
    const value = element(property, 'value')
    return name === undefined || value === undefined ? [] : [[name, value] as const]
  })
}

function element(xml: string, name: string): string | undefined {
  const text = new RegExp(`<${name}>([\\s\\S]*?)</${name}>`).exec(xml)?.[1]
  return text === undefined ? undefined : unescapeXml(text.trim())
}

const ENTITIES: Readonly<Record<string, string>> = {
  lt: '<',
  gt: '>',
  amp: '&',
  quot: '"',
  apos: "'",
}

function unescapeXml(text: string): string {
  return text.replace(/&(\w+);/g, (all, name: string) => ENTITIES[name] ?? all)
}

/** Replaces `${other.setting}` and `${env.NAME}` in values, as Hadoop does. */
function expand(value: string, settings: HadoopConfiguration, environment: Environment): string {
  let text = value
  for (let depth = 0; depth < 20; depth++) {
    const next = text.replace(/\$\{([^}$ ]+)\}/g, (all, name: string) =>
      name.startsWith('env.') ? (environment[name.slice(4)] ?? all) : (settings.get(name) ?? all),
    )
    if (next === text) break
    text = next
  }
  return text
}
