// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { BrokerConfig } from './broker-config.ts'
import { ConfigError } from './config-definition.ts'

/**
 * Settings of a file as `key=value key=value`; `@{…}` stands for a reference to a config provider.
 */
function settings(text: string): Map<string, string> {
  return new Map(
    text
      .split(' ')
      .filter((pair) => pair !== '')
      .map((pair) => {
        const equals = pair.indexOf('=')
        return [pair.slice(0, equals), pair.slice(equals + 1).replace('@{', '$' + '{')]
      }),
  )
}

/** The key named by the error, or `ok`. */
function verdict(text: string): string {
  try {
    new BrokerConfig(settings(text))
    return 'ok'
  } catch (error) {
    if (error instanceof ConfigError) return error.key
    throw error
  }
}

const PLAIN = 'listeners=PLAINTEXT://:9092'
const AUTHORIZER = 'authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer'
const JWT = 'org.apache.kafka.common.security.oauthbearer'
const oauth = (key: string): string => `listener.name.sasl.oauthbearer.${key}`
const table: readonly [settings: string, verdict: string][] = [
  ['', 'ok'],
  // Limits between keys. An unset key counts with Kafka's default.
  ['group.consumer.session.timeout.ms=44999', 'group.consumer.session.timeout.ms'],
  ['group.consumer.min.session.timeout.ms=45001', 'group.consumer.min.session.timeout.ms'],
  ['group.consumer.session.timeout.ms=30000 group.consumer.min.session.timeout.ms=30000', 'ok'],
  ['group.share.heartbeat.interval.ms=15001', 'group.share.heartbeat.interval.ms'],
  ['group.streams.max.assignment.interval.ms=999', 'group.streams.max.assignment.interval.ms'],
  ['group.streams.min.assignment.interval.ms=500', 'ok'],
  ['group.share.delivery.count.limit=10 group.share.max.delivery.count.limit=10', 'ok'],
  ['group.share.record.lock.duration.ms=60001', 'group.share.record.lock.duration.ms'],
  ['group.share.max.share.sessions=2000', 'ok'],
  ['group.share.max.share.sessions=199', 'group.share.max.share.sessions'],
  ['group.streams.num.standby.replicas=3', 'group.streams.num.standby.replicas'],
  ['group.coordinator.rebalance.protocols=consumer', 'group.coordinator.rebalance.protocols'],
  ['replica.lag.time.max.ms=499', 'replica.lag.time.max.ms'],
  // The audit log has the decisions of an authorizer.
  ['audit.log.file=a.log', 'audit.log.file'],
  ['audit.log.file=a.log authorizer.class.name=', 'audit.log.file'],
  [`audit.log.file=a.log audit.log.allowed=true ${AUTHORIZER}`, 'ok'],
  [`audit.log.allowed=TRUE ${AUTHORIZER}`, 'audit.log.allowed'],
  [`audit.log.file= audit.log.allowed=false ${AUTHORIZER}`, 'ok'],
  // Logs.
  ['log.retention.ms=-1', 'ok'],
  ['log.retention.ms=0', 'log.retention.ms'],
  ['log.retention.hours=0', 'log.retention.hours'],
  ['log.retention.hours=0 log.retention.ms=1', 'ok'],
  ['log.roll.ms=0', 'log.roll.ms'],
  ['log.roll.jitter.ms=-1', 'log.roll.jitter.ms'],
  ['log.cleaner.threads=0', 'log.cleaner.threads'],
  ['log.cleaner.threads=128', 'log.cleaner.dedupe.buffer.size'],
  // Connections.
  ['max.connections.per.ip=0', 'max.connections.per.ip'],
  ['max.connections.per.ip=0 max.connections.per.ip.overrides=::1:5', 'ok'],
  ['max.connections.per.ip.overrides=abc', 'max.connections.per.ip.overrides'],
  ['queued.max.request.bytes=1', 'queued.max.request.bytes'],
  ['connections.max.idle.ms=100', 'connections.max.idle.ms'],
  ['connections.max.idle.ms=-1', 'ok'],
  // Identity and listeners.
  ['node.id=3 broker.id=3', 'ok'],
  ['node.id=3 broker.id=4', 'broker.id'],
  ['process.roles=broker', 'process.roles'],
  ['controller.quorum.voters=2@a:1', 'controller.quorum.voters'],
  [`${PLAIN},CONTROLLER://:9093`, 'ok'],
  [`${PLAIN},CONTROLLER://:9092`, 'listeners'],
  ['listeners=PLAINTEXT://127.0.0.1:1,CONTROLLER://[::1]:1', 'ok'],
  [`${PLAIN} controller.listener.names=PLAINTEXT`, 'listeners'],
  [`${PLAIN},CONTROLLER://:1 controller.listener.names=CONTROLLER,X`, 'controller.listener.names'],
  [`${PLAIN},CONTROLLER://:1 listener.security.protocol.map=PLAINTEXT:PLAINTEXT`, 'listeners'],
  ['listener.security.protocol.map=PLAINTEXT:TLS', 'listener.security.protocol.map'],
  ['listeners=A://:1 listener.security.protocol.map=A:PLAINTEXT', 'inter.broker.listener.name'],
  ['inter.broker.listener.name=PLAINTEXT', 'ok'],
  ['inter.broker.listener.name=INSIDE', 'inter.broker.listener.name'],
  ['security.inter.broker.protocol=SSL', 'security.inter.broker.protocol'],
  [`${PLAIN} early.start.listeners=INSIDE`, 'early.start.listeners'],
  ['cordoned.log.dirs=/b log.dirs=/a,/b', 'ok'],
  ['cordoned.log.dirs=/c log.dirs=/a,/b', 'cordoned.log.dirs'],
  ['cordoned.log.dirs=*,/a log.dirs=/a', 'cordoned.log.dirs'],
  // Unsupported features must be rejected, not silently ignored.
  ['authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer', 'ok'],
  ['authorizer.class.name=com.example.Authorizer', 'authorizer.class.name'],
  [
    `${oauth('sasl.server.callback.handler.class')}=${JWT}.OAuthBearerValidatorCallbackHandler`,
    'ok',
  ],
  [`${oauth('sasl.login.callback.handler.class')}=${JWT}.OAuthBearerLoginCallbackHandler`, 'ok'],
  [`sasl.oauthbearer.jwt.validator.class=${JWT}.BrokerJwtValidator`, 'ok'],
  [
    `${oauth('sasl.server.callback.handler.class')}=com.example.Handler`,
    oauth('sasl.server.callback.handler.class'),
  ],
  ['super.users=User:admin;User:CN=a,O=b;', 'ok'],
  ['super.users=admin', 'super.users'],
  ['remote.log.storage.system.enable=true', 'remote.log.storage.system.enable'],
  ['create.topic.policy.class.name=com.example.Policy', 'create.topic.policy.class.name'],
  ['config.providers=env broker.rack=@{env:RACK}', 'ok'],
  [
    'config.providers=env config.providers.env.class=org.apache.kafka.common.config.provider.EnvVarConfigProvider broker.rack=@{env:RACK}',
    'broker.rack',
  ],
]

describe('limits between broker keys', () => {
  for (const [text, expected] of table) {
    it(`${text || 'nothing set'} → ${expected}`, () => assert.equal(verdict(text), expected))
  }

  it('report the value and the key that sets the limit', () => {
    assert.throws(
      () => new BrokerConfig(settings('group.consumer.session.timeout.ms=5')),
      /^ConfigError: Invalid value 5 for configuration group\.consumer\.session\.timeout\.ms: expected at least 45000, the value of group\.consumer\.min\.session\.timeout\.ms$/,
    )
  })

  it('warn about ignored reporter classes', () => {
    const { warnings } = new BrokerConfig(settings('metric.reporters=com.example.Reporter'))
    assert.deepEqual(warnings, [
      'configuration metric.reporters is ignored: Java classes cannot be loaded',
    ])
  })
})
