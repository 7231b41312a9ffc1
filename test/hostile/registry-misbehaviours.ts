// SPDX-License-Identifier: Apache-2.0
// What clients of the schema registry send to occupy it: its schemas, bodies, paths and lists.
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Misbehaviour, Sockets, Target } from './misbehaviours.ts'

/** The bytes of a request. */
export function httpRequest(method: string, path: string, body?: unknown): Buffer {
  const bytes = Buffer.from(
    body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body),
  )
  const head = [
    `${method} ${path} HTTP/1.1`,
    'Host: 127.0.0.1',
    ...(body === undefined ? [] : ['Content-Type: application/json']),
    ...(body === undefined ? [] : [`Content-Length: ${bytes.length}`]),
  ]
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), bytes])
}

const list = (count: number, item: (i: number) => string, separator = ','): string =>
  Array.from({ length: count }, (_, i) => item(i)).join(separator)

/** Schemas of a few kilobytes whose comparison takes long, each with an earlier version. */
const slowComparisons = [
  {
    schemaType: 'AVRO',
    older: `[${list(240, (i) => `{"type":"record","name":"a${i}","fields":[{"name":"x","type":"int"}]}`)}]`,
    newer: `[${list(240, (i) => `{"type":"record","name":"b${i}","fields":[{"name":"y","type":"int"}]}`)}]`,
  },
  {
    schemaType: 'JSON',
    older: `{"allOf":[${list(350, (i) => `{"oneOf":[{"minLength":${i}},{"maxLength":${i}}]}`)}]}`,
    newer: `{"allOf":[${list(350, (i) => `{"anyOf":[{"minLength":${i + 1}},{"maxLength":${i}}]}`)}]}`,
  },
  {
    schemaType: 'PROTOBUF',
    older: `syntax="proto3"; ${list(250, (i) => `message M${i} { M${i} a=1; M${(i + 1) % 250} b=2; }`, ' ')}`,
    newer: `syntax="proto3"; ${list(250, (i) => `message M${i} { M${i} a=1; M${(i + 7) % 250} b=2; }`, ' ')}`,
  },
] as const

/** Schemas near the limit of length. */
const largeSchemas = [
  [
    'AVRO',
    `{"type":"record","name":"R","fields":[${list(16_000, (i) => `{"name":"field${i}","type":"int","default":1}`)}]}`,
  ],
  [
    'JSON',
    `{"type":"object","properties":{${list(25_000, (i) => `"property${i}":{"type":"string"}`)}}}`,
  ],
  [
    'PROTOBUF',
    `syntax="proto3"; ${list(22_000, (i) => `message Message${i} { int32 a=1; }`, ' ')}`,
  ],
] as const

/** Paths of other places than the API. */
const paths = [
  '/..%2f..%2fetc/passwd',
  '/subjects/..%2f..%2fconfig/versions',
  '/subjects/%2e%2e/versions',
  '/../../config',
  '//config',
  '/subjects//versions',
  '/subjects/%00/versions',
  '/subjects/%zz/versions',
  '/subjects/%ff%fe/versions',
  '/subjects/a%0d%0aX:%20y/versions',
  `/subjects/${'a'.repeat(14_000)}/versions`,
  `/${'a/'.repeat(7000)}`,
  '/contexts/%2e%2e/subjects',
  '/contexts/:.a:/contexts/:.b:/subjects',
  '/subjects/__proto__/versions',
  '/subjects/constructor/versions/latest',
  '/schemas/ids/9999999999999999999999',
  '/schemas/ids/1e3',
  '/subjects?limit=-9999999999&offset=99999999999',
  'http://example.com/subjects',
  '*',
]

/** What an earlier client registered, so that lists and comparisons have something to work on. */
export function registryPreparation(): Buffer[] {
  const large = `{"title":"${'t'.repeat(100_000)}"}`
  return [
    ...slowComparisons.map(({ schemaType, older }) =>
      httpRequest('POST', `/subjects/slow-${schemaType}/versions`, { schemaType, schema: older }),
    ),
    ...Array.from({ length: 100 }, (_, i) =>
      httpRequest('POST', `/subjects/large-${i}/versions`, { schemaType: 'JSON', schema: large }),
    ),
  ]
}

/** Sends requests one after another on a connection, each after the reply to the one before. */
export async function exchange(socket: Socket, requests: readonly Buffer[]): Promise<void> {
  for (const request of requests) {
    if (socket.destroyed) return
    // Large writes of this process would delay the honest client in it.
    for (let at = 0; at < request.length; at += 65_536) {
      if (!socket.write(request.subarray(at, at + 65_536))) await first(socket, 'drain')
      if (socket.destroyed) return
    }
    // The reply has begun.
    await first(socket, 'data')
  }
}

/** Waits for an event, or until the connection is closed. */
function first(socket: Socket, event: 'drain' | 'data'): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off(event, done)
      socket.off('close', done)
      resolve()
    }
    socket.on(event, done)
    socket.on('close', done)
    if (socket.destroyed) done()
  })
}

async function onConnections(
  { port }: Target,
  sockets: Sockets,
  requests: readonly (readonly Buffer[])[],
): Promise<void> {
  await Promise.all(requests.map(async (each) => exchange(await sockets.connect(port), each)))
}

let checks = 0

/** A check of a schema whose text no other check has. */
function check(subject: string, schemaType: string, schema: string): Buffer {
  checks++
  return httpRequest('POST', `/compatibility/subjects/${subject}/versions?verbose=true`, {
    schemaType,
    schema: schema + ' '.repeat(checks),
  })
}

/** All misbehaviours, by name. */
export const registryMisbehaviours: Readonly<Record<string, Misbehaviour>> = {
  'sends schemas that are slow to compare': (target, sockets) =>
    onConnections(
      target,
      sockets,
      Array.from({ length: 2 }, () =>
        slowComparisons.map(({ schemaType, newer }) =>
          check(`slow-${schemaType}`, schemaType, newer),
        ),
      ),
    ),

  'sends schemas near the limit of length': (target, sockets) =>
    onConnections(
      target,
      sockets,
      largeSchemas.map(([schemaType, schema]) => [check('none', schemaType, schema)]),
    ),

  'sends bodies of many values': (target, sockets) =>
    onConnections(
      target,
      sockets,
      ['{},', '[', '"a":1,', '{"a":', '1', '"\\u0041",'].map((part) => [
        httpRequest('POST', '/subjects/a/versions', part.repeat(2_000_000 / part.length)),
      ]),
    ),

  'stalls within bodies': async ({ port }, sockets) => {
    const head = Buffer.from(
      'POST /subjects/a/versions HTTP/1.1\r\nHost: a\r\nContent-Length: 8000000\r\n\r\n',
    )
    const part = Buffer.alloc(65_536, ' ')
    for (let i = 0; i < 100; i++) {
      const socket = await sockets.connect(port)
      socket.write(head)
      for (let sent = 0; sent < 2_000_000 && !socket.destroyed; sent += part.length) {
        if (!socket.write(part)) await Promise.race([first(socket, 'drain'), sleep(50)])
      }
    }
    await sleep(500)
  },

  'floods headers': async ({ port }, sockets) => {
    await Promise.all(
      Array.from({ length: 20 }, async (_, i) => {
        const socket = await sockets.connect(port)
        socket.write('GET /subjects HTTP/1.1\r\nHost: 127.0.0.1\r\n')
        for (let sent = 0; sent < 2000 && !socket.destroyed; sent++) {
          if (socket.write(`X-${i}-${sent}: ${'y'.repeat(1000)}\r\n`)) continue
          await first(socket, 'drain')
        }
      }),
    )
  },

  'asks for paths of other places': (target, sockets) =>
    onConnections(
      target,
      sockets,
      paths.map((path) => [httpRequest('GET', path), httpRequest('GET', '/subjects')]),
    ),

  'asks for large lists and never reads': async ({ port }, sockets) => {
    const request = httpRequest('GET', '/schemas')
    for (let i = 0; i < 40; i++) {
      const socket = await sockets.connect(port, { reads: false })
      socket.pause()
      socket.write(Buffer.concat([request, request, request]))
    }
    await sleep(2000)
  },

  'opens many connections': async ({ port }, sockets) => {
    for (let i = 0; i < 30; i++) {
      await Promise.all(
        Array.from({ length: 50 }, async () => {
          const socket = await sockets.connect(port)
          socket.write(httpRequest('GET', '/config').subarray(0, 30))
        }),
      )
    }
    await sleep(200)
  },
}
