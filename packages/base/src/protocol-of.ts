// SPDX-License-Identifier: Apache-2.0

/** Protocols that are recognized by the first bytes of a connection. */
export type ProtocolName =
  | 'Kafka'
  | 'HTTP'
  | 'TLS'
  | 'AMQP 1.0'
  | 'AMQP 0-9-1'
  | 'MQTT'
  | 'STOMP'
  | 'OpenWire'

/** Number of bytes of the start of a connection that `protocolOf` needs. */
export const PROTOCOL_START_BYTES = 8

const HTTP_METHODS = /^(GET|HEAD|POST|PUT|DELETE|OPTIONS|PATCH|TRACE|CONNECT) /
/** Protocol ids: 0 for AMQP, 2 for TLS, 3 for SASL. */
const AMQP_HEADERS = ['AMQP\0\x01\0\0', 'AMQP\x02\x01\0\0', 'AMQP\x03\x01\0\0']
/** Kafka brokers accept requests up to `socket.request.max.bytes`, by default 100 MiB. */
const MAX_KAFKA_REQUEST = 104_857_600
const MAX_KAFKA_API = 120
const MAX_KAFKA_VERSION = 30

/**
 * Recognizes the protocol of a peer by the first `PROTOCOL_START_BYTES` bytes it sent; undefined if
 * unknown. Some protocols are recognized by fewer bytes.
 */
export function protocolOf(start: Buffer): ProtocolName | undefined {
  const text = start.toString('latin1')
  if (HTTP_METHODS.test(text) || text.startsWith('HTTP/1.')) return 'HTTP'
  if (text.startsWith('AMQP\0\0\x09\x01')) return 'AMQP 0-9-1'
  if (AMQP_HEADERS.some((header) => text.startsWith(header))) return 'AMQP 1.0'
  if (/^(CONNECT|STOMP)\r?\n/.test(text)) return 'STOMP'
  // A handshake or alert record.
  if ((start[0] === 0x16 || start[0] === 0x15) && start[1] === 3) return 'TLS'
  // CONNECT with the protocol name: `MQTT`, or `MQIsdp` before version 3.1.1.
  if (start[0] === 0x10 && text.includes('MQ')) return 'MQTT'
  if (text.slice(4) === '\x01Act') return 'OpenWire'
  const isKafka =
    start.length >= PROTOCOL_START_BYTES &&
    start.readInt32BE(0) >= 8 &&
    start.readInt32BE(0) <= MAX_KAFKA_REQUEST &&
    start.readUInt16BE(4) <= MAX_KAFKA_API &&
    start.readUInt16BE(6) <= MAX_KAFKA_VERSION
  return isKafka ? 'Kafka' : undefined
}

/**
 * Reply to a client that speaks HTTP on a port of another protocol: status 400 and a line of text.
 */
export function httpRefusal(line: string): Buffer {
  const body = `${line}\n`
  return Buffer.from(
    `HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  )
}
