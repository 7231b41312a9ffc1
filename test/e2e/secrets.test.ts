// SPDX-License-Identifier: Apache-2.0
// No secret of a configuration comes out: each sensitive key × each place.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createLogger } from '@millrace/base'
import { Broker } from '@millrace/broker'
import { Admin, fromJavaProperties } from '@millrace/client'

/** Keys whose value must have a form. */
const forms: Readonly<Record<string, (secret: string) => string>> = {
  'sasl.jaas.config': (secret) =>
    `org.apache.kafka.common.security.plain.PlainLoginModule required username="u" password="${secret}";`,
  'bootstrap.scram.users': (secret) => `SCRAM-SHA-256=[name=u,password=${secret}]`,
}
/** Sensitive by their meaning, of one listener. */
const listenerKeys = [
  'listener.name.plaintext.plain.sasl.jaas.config',
  'listener.name.plaintext.ssl.keystore.password',
  'listener.name.plaintext.ssl.key.password',
  'listener.name.plaintext.ssl.keystore.key',
  'listener.name.plaintext.ssl.truststore.password',
]

const textOf = (value: unknown): string =>
  JSON.stringify(value, (_key, each: unknown) => {
    if (each instanceof Map) return [...each]
    return typeof each === 'bigint' ? String(each) : each
  })

async function sensitiveKeys(): Promise<string[]> {
  await using broker = await Broker.start()
  await using admin = new Admin({ bootstrapServers: broker.address })
  const described = await admin.describeConfigs([{ type: 'broker', name: '1' }])
  const entries = [...described.values()].flat()
  return entries.filter(({ isSensitive }) => isSensitive).map(({ name }) => name)
}

const secretOf = (key: string): string => `s3cr3t-${key.replaceAll('.', '-')}`
const settingOf = (key: string): string => {
  const base = Object.keys(forms).find((each) => key.endsWith(each))
  return base === undefined ? secretOf(key) : (forms[base]?.(secretOf(key)) ?? '')
}

describe('secrets of a broker', () => {
  it('come out neither in descriptions, nor logs, nor warnings, nor errors', async () => {
    const keys = [...(await sensitiveKeys()), ...listenerKeys]
    assert.ok(keys.length > 10, keys.join())
    for (const key of keys) {
      const places: Record<string, string> = {}
      const lines: string[] = []
      const write = (line: string): void => void lines.push(line)
      const logger = createLogger({ level: 'debug', now: Date.now, write })
      const config = { [key]: settingOf(key) }
      const options = { logger, logLevel: 'debug' }
      try {
        await using broker = await Broker.start({ config, ...options })
        await using admin = new Admin({ bootstrapServers: broker.address, logger })
        places.describe = textOf(await admin.describeConfigs([{ type: 'broker', name: '1' }]))
        places.warnings = textOf(broker.warnings)
        for (const value of [settingOf(key), `${settingOf(key)} \n;=broken`]) {
          try {
            const changes = [{ name: key, value }]
            await admin.incrementalAlterConfigs([{ type: 'broker', name: '1', changes }])
          } catch (error) {
            places[`change ${value === settingOf(key)}`] = String(error)
          }
        }
        places['describe after'] = textOf(
          await admin.describeConfigs([{ type: 'broker', name: '1' }]),
        )
      } catch (error) {
        places.start = String(error)
      }
      try {
        await Broker.start({ config: { ...config, 'num.partitions': 'x' }, ...options })
      } catch (error) {
        places.error = String(error)
      }
      try {
        const broken = { [key]: `${settingOf(key)} broken`, listeners: 'SASL_SSL://127.0.0.1:0' }
        const broker = await Broker.start({ config: broken, ...options })
        await broker.close()
      } catch (error) {
        places['error of another form'] = String(error)
      }
      places.log = lines.join('\n')
      assert.ok(places.error !== undefined)
      for (const [place, text] of Object.entries(places)) {
        assert.ok(!text.includes('s3cr3t'), `${key} in ${place}: ${text.slice(0, 500)}`)
      }
    }
  })
})

describe('secrets of client properties', () => {
  const keys = [
    'sasl.jaas.config',
    'ssl.keystore.password',
    'ssl.key.password',
    'ssl.keystore.key',
    'ssl.truststore.password',
    'sasl.oauthbearer.client.credentials.client.secret',
  ]
  const settings: readonly Readonly<Record<string, string>>[] = [
    { 'security.protocol': 'SSL' },
    { 'security.protocol': 'SSL', 'ssl.keystore.location': import.meta.filename },
    { 'security.protocol': 'SSL', 'ssl.truststore.location': import.meta.filename },
    { 'security.protocol': 'SASL_PLAINTEXT', 'sasl.mechanism': 'PLAIN' },
    { 'security.protocol': 'SASL_PLAINTEXT', 'sasl.mechanism': 'SCRAM-SHA-256' },
    { 'security.protocol': 'SASL_PLAINTEXT', 'sasl.mechanism': 'OAUTHBEARER' },
    { 'security.protocol': 'nonsense' },
  ]
  for (const key of keys) {
    it(`${key} is in no error and no warning`, () => {
      for (const setting of settings) {
        for (const value of [settingOf(key), `${settingOf(key)} broken`, `x y "${secretOf(key)}`]) {
          let text: string
          try {
            text = textOf(fromJavaProperties('admin', { ...setting, [key]: value }).warnings)
          } catch (error) {
            text = String(error)
          }
          assert.ok(!text.includes('s3cr3t'), `${textOf(setting)}: ${text}`)
        }
      }
    })
  }
})
