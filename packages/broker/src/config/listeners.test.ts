// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type ListenerSettings, parseEndpoints, resolveListeners } from './listeners.ts'

const defaults: ListenerSettings = {
  listeners: 'PLAINTEXT://:9092',
  advertisedListeners: undefined,
  controllerListenerNames: '',
  protocolMap: 'PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL',
  isProtocolMapGiven: false,
  interBrokerListenerName: undefined,
  interBrokerProtocol: undefined,
  earlyStartListeners: undefined,
}

describe('an endpoint', () => {
  const cells: readonly (readonly [text: string, endpoints: string])[] = [
    ['PLAINTEXT://localhost:9092', 'PLAINTEXT localhost 9092'],
    ['plaintext://localhost:9092', 'PLAINTEXT localhost 9092'],
    ['A://:9092', 'A  9092'],
    ['A://[::1]:9092', 'A ::1 9092'],
    ['A://h:0', 'A h 0'],
    ['A://h:1, B://h:2', 'A h 1, B h 2'],
    ['', ''],
    ['h:9092', 'a list of NAME://host:port'],
    ['A://h', 'a list of NAME://host:port'],
    ['A://::1:9092', 'a list of NAME://host:port'],
    ['A://h:65535', 'A h 65535'],
    ['A://h:65536', 'a port from 0 to 65535'],
    ['A://h:-1', 'a port from 0 to 65535'],
    ['A://h:1,a://h:2', 'a different name for each listener; A is repeated'],
  ]
  for (const [text, expected] of cells) {
    it(`${text || 'nothing'}: ${expected || 'none'}`, () => {
      let found: string
      try {
        found = parseEndpoints('listeners', text)
          .map(({ listenerName, host, port }) => `${listenerName} ${host} ${port}`)
          .join(', ')
      } catch (error) {
        const { message } = error as Error
        assert.match(message, /listeners/)
        found = message.replace(/^.*expected /, '')
      }
      assert.equal(found, expected)
    })
  }
})

describe('the listeners of a broker', () => {
  /** `name protocol`, with `*` for the controller's and `>` before an advertised address. */
  const good: readonly (readonly [
    what: string,
    settings: Partial<ListenerSettings>,
    listeners: string,
  ])[] = [
    ['by default one', {}, 'PLAINTEXT PLAINTEXT'],
    [
      'an advertised address',
      { advertisedListeners: 'PLAINTEXT://example.org:19092' },
      'PLAINTEXT PLAINTEXT >example.org:19092',
    ],
    [
      'a custom name',
      {
        listeners: 'PLAINTEXT://:9092,outside://:9093',
        protocolMap: 'PLAINTEXT:PLAINTEXT,OUTSIDE:SASL_SSL',
        isProtocolMapGiven: true,
      },
      'PLAINTEXT PLAINTEXT, OUTSIDE SASL_SSL',
    ],
    [
      'a name with colons: the last one separates',
      {
        listeners: 'PLAINTEXT://:9092',
        protocolMap: 'PLAINTEXT:PLAINTEXT,A:B:SSL',
        isProtocolMapGiven: true,
      },
      'PLAINTEXT PLAINTEXT',
    ],
    [
      'of a controller: PLAINTEXT without a map',
      { listeners: 'PLAINTEXT://:9092,C://:9093', controllerListenerNames: 'c' },
      'PLAINTEXT PLAINTEXT, C PLAINTEXT*',
    ],
    [
      'names of controller listeners of another node',
      { controllerListenerNames: 'CONTROLLER' },
      'PLAINTEXT PLAINTEXT',
    ],
    [
      'IPv4 and IPv6 on one port',
      { listeners: 'PLAINTEXT://127.0.0.1:9092,SSL://[::1]:9092' },
      'PLAINTEXT PLAINTEXT, SSL SSL',
    ],
    [
      'any ports, twice',
      { listeners: 'PLAINTEXT://h:0,SSL://h:0' },
      'PLAINTEXT PLAINTEXT, SSL SSL',
    ],
    [
      'between brokers by protocol',
      { listeners: 'SSL://:9093', interBrokerProtocol: 'SSL' },
      'SSL SSL',
    ],
    [
      'between brokers by name',
      { listeners: 'SSL://:9093', interBrokerListenerName: 'ssl' },
      'SSL SSL',
    ],
    ['that starts early', { earlyStartListeners: 'plaintext' }, 'PLAINTEXT PLAINTEXT'],
  ]
  for (const [what, settings, expected] of good) {
    it(`${what}: ${expected}`, () => {
      const found = resolveListeners({ ...defaults, ...settings }).map((listener) => {
        const { listenerName, securityProtocol, isController, advertised } = listener
        const to = advertised === undefined ? '' : ` >${advertised.host}:${advertised.port}`
        return `${listenerName} ${securityProtocol}${isController ? '*' : ''}${to}`
      })
      assert.equal(found.join(', '), expected)
    })
  }

  const bad: readonly (readonly [
    what: string,
    settings: Partial<ListenerSettings>,
    message: RegExp,
  ])[] = [
    [
      'two on one port',
      { listeners: 'PLAINTEXT://h:1,SSL://i:1' },
      /configuration listeners: .*1 is repeated/,
    ],
    [
      'three on one port, of both kinds',
      { listeners: 'PLAINTEXT://127.0.0.1:1,SSL://[::1]:1,SASL_SSL://[::2]:1' },
      /1 is repeated/,
    ],
    [
      'a name without a protocol',
      { listeners: 'OUTSIDE://:9092' },
      /OUTSIDE .*listener\.security\.protocol\.map has no security protocol/,
    ],
    [
      'a controller without a protocol, with a map',
      {
        listeners: 'PLAINTEXT://:9092,C://:9093',
        controllerListenerNames: 'C',
        isProtocolMapGiven: true,
      },
      /C .*listener\.security\.protocol\.map/,
    ],
    ['a protocol that does not exist', { protocolMap: 'PLAINTEXT:TLS' }, /one of the security/],
    ['a map without protocols', { protocolMap: 'PLAINTEXT' }, /a list of NAME:PROTOCOL/],
    [
      'an advertised name that does not listen',
      { advertisedListeners: 'SSL://h:1' },
      /advertised\.listeners: expected names of listeners, PLAINTEXT/,
    ],
    [
      'an advertised address that is none',
      { advertisedListeners: 'PLAINTEXT://0.0.0.0:9092' },
      /an address that clients can reach/,
    ],
    [
      'only one for the controller',
      { listeners: 'C://:9093', controllerListenerNames: 'C' },
      /value C:\/\/:9093 for configuration listeners: expected at least one listener for clients/,
    ],
    [
      'only the controller advertised',
      {
        listeners: 'PLAINTEXT://:9092,C://:9093',
        controllerListenerNames: 'C',
        advertisedListeners: 'C://h:9093',
      },
      /advertised\.listeners: expected at least one listener for clients/,
    ],
    [
      'one of two controller names',
      { listeners: 'PLAINTEXT://:9092,C://:9093', controllerListenerNames: 'C,D' },
      /Invalid value D .*controller\.listener\.names/,
    ],
    [
      'an early one that does not exist',
      { earlyStartListeners: 'X' },
      /early\.start\.listeners: expected names of listeners/,
    ],
    [
      'none that is called PLAINTEXT',
      { listeners: 'SSL://:9093' },
      /Missing configuration inter\.broker\.listener\.name/,
    ],
    [
      'a protocol between brokers without a listener',
      { interBrokerProtocol: 'SSL' },
      /security\.inter\.broker\.protocol: expected a listener that clients can use/,
    ],
    [
      'a name between brokers without a listener',
      { interBrokerListenerName: 'X' },
      /inter\.broker\.listener\.name: expected a listener that clients can use/,
    ],
    [
      'both between brokers',
      { interBrokerListenerName: 'PLAINTEXT', interBrokerProtocol: 'PLAINTEXT' },
      /only one of inter\.broker\.listener\.name and security\.inter\.broker\.protocol/,
    ],
  ]
  for (const [what, settings, message] of bad) {
    it(`refuses ${what}`, () => {
      assert.throws(() => resolveListeners({ ...defaults, ...settings }), message)
    })
  }
})
