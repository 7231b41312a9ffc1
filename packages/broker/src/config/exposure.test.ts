// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseProperties } from '@millrace/base'
import { BrokerConfig } from './broker-config.ts'
import { checkExposure } from './exposure.ts'

const SASL = 'security.inter.broker.protocol=SASL_PLAINTEXT sasl.enabled.mechanisms=SCRAM-SHA-256'
const TLS = 'security.inter.broker.protocol=SSL ssl.keystore.location=x.pem'

/** Configuration, and whether it is refused. */
const table: readonly (readonly [string, 'refused' | 'ok'])[] = [
  ['', 'ok'],
  ['listeners=PLAINTEXT://127.0.0.1:9092', 'ok'],
  ['listeners=PLAINTEXT://127.8.9.10:9092', 'ok'],
  ['listeners=PLAINTEXT://localhost:9092', 'ok'],
  ['listeners=PLAINTEXT://[::1]:9092', 'ok'],
  ['listeners=PLAINTEXT://[0:0:0:0:0:0:0:1]:9092', 'ok'],
  ['listeners=PLAINTEXT://:9092', 'refused'],
  ['listeners=PLAINTEXT://0.0.0.0:9092', 'refused'],
  ['listeners=PLAINTEXT://[::]:9092', 'refused'],
  ['listeners=PLAINTEXT://10.0.0.1:9092', 'refused'],
  ['listeners=PLAINTEXT://127.0.0.1.example.com:9092', 'refused'],
  ['listeners=PLAINTEXT://localhost.example.com:9092', 'refused'],
  ['listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://:9093', 'refused'],
  ['listeners=PLAINTEXT://:9092 allow.insecure.listeners=true', 'ok'],
  ['listeners=PLAINTEXT://:9092 allow.insecure.listeners=false', 'refused'],
  [`listeners=SASL_PLAINTEXT://:9092 ${SASL}`, 'ok'],
  [`listeners=SASL_PLAINTEXT://:9092,PLAINTEXT://:9093 ${SASL}`, 'refused'],
  [`listeners=SSL://:9092 ${TLS}`, 'refused'],
  [`listeners=SSL://:9092 ${TLS} ssl.client.auth=requested`, 'refused'],
  [`listeners=SSL://:9092 ${TLS} ssl.client.auth=required`, 'ok'],
  [`listeners=SSL://:9092 ${TLS} listener.name.ssl.ssl.client.auth=required`, 'ok'],
]

describe('a listener that others reach', () => {
  for (const [text, expected] of table) {
    it(`${text || 'the default'}: ${expected}`, () => {
      const config = new BrokerConfig(parseProperties(text.replaceAll(' ', '\n')))
      const check = (): void => checkExposure(config)
      if (expected === 'ok') check()
      else assert.throws(check, /neither authentication nor an authorizer.*--insecure/)
    })
  }
})
