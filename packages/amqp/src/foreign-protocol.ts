// SPDX-License-Identifier: Apache-2.0

/** A protocol other than AMQP 1.0, recognized by the first bytes of a connection. */
export interface ForeignProtocol {
  /** Name of the protocol. */
  readonly name: 'Kafka' | 'HTTP' | 'TLS' | 'AMQP 0-9-1' | 'MQTT' | 'STOMP' | 'OpenWire'
  /**
   * Reply that clients of the protocol understand as a refusal; undefined if no such reply exists.
   */
  readonly answer?: Buffer
}

const HTTP_METHODS = /^(GET|HEAD|POST|PUT|DELETE|OPTIONS|PATCH|TRACE|CONNECT) /
/** Kafka brokers accept requests up to `socket.request.max.bytes`, by default 100 MiB. */
const MAX_KAFKA_REQUEST = 104_857_600
const MAX_KAFKA_API = 120
const MAX_KAFKA_VERSION = 30
const httpBody = 'This port speaks AMQP 1.0, not HTTP.\n'
const httpAnswer = Buffer.from(
  `HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: ${httpBody.length}\r\nConnection: close\r\n\r\n${httpBody}`,
)

/**
 * Recognizes the protocol of a peer whose first eight bytes are not AMQP 1.0; undefined if unknown.
 */
export function foreignProtocolOf(start: Buffer): ForeignProtocol | undefined {
  const text = start.toString('latin1')
  if (text.startsWith('HTTP/1.')) return { name: 'HTTP' }
  if (HTTP_METHODS.test(text)) return { name: 'HTTP', answer: httpAnswer }
  if (text.startsWith('AMQP\0\0\x09\x01')) return { name: 'AMQP 0-9-1' }
  if (/^(CONNECT|STOMP)\r?\n/.test(text)) return { name: 'STOMP' }
  // A handshake or an alert.
  if ((start[0] === 0x16 || start[0] === 0x15) && start[1] === 3) return { name: 'TLS' }
  // CONNECT with the protocol name: `MQTT`, or `MQIsdp` before version 3.1.1.
  if (start[0] === 0x10 && text.includes('MQ')) return { name: 'MQTT' }
  if (text.slice(4) === '\x01Act') return { name: 'OpenWire' }
  const isKafka =
    start.readInt32BE(0) >= 8 &&
    start.readInt32BE(0) <= MAX_KAFKA_REQUEST &&
    start.readUInt16BE(4) <= MAX_KAFKA_API &&
    start.readUInt16BE(6) <= MAX_KAFKA_VERSION
  return isKafka ? { name: 'Kafka' } : undefined
}
