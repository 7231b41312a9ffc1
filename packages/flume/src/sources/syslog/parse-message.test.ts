// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { messageOf } from './framing.ts'
import { type KeepFields, namesWithin, parseKeepFields } from './keep-fields.ts'
import { MessageParser, parseMultiportMessage } from './parse-message.ts'

const NOW = Date.UTC(2026, 10, 29, 12)
const NEW_YEAR = String(Date.UTC(2026, 0, 1))
const AUTUMN = String(Date.UTC(2026, 9, 11, 22, 14, 15))

interface Row {
  readonly message: string
  readonly keep?: KeepFields
  readonly isCut?: boolean
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
}

const fields = (...names: readonly string[]): KeepFields => parseKeepFields(names.join(' '))

/** Of the TCP and UDP sources. */
const rows: readonly Row[] = [
  {
    message: 'no priority',
    body: 'no priority',
    headers: { Facility: '0', Severity: '0', 'flume.syslog.status': 'Invalid' },
  },
  {
    message: '<1234>four digits',
    body: '<1234>four digits',
    headers: { Facility: '0', Severity: '0', 'flume.syslog.status': 'Invalid' },
  },
  // Without a header the message is valid, and its priority is known.
  { message: '<13>text', body: '<13>text', headers: { Facility: '1', Severity: '5' } },
  { message: '<191>x', body: '<191>x', headers: { Facility: '23', Severity: '7' } },
  {
    message: '<13>x',
    isCut: true,
    body: '<13>x',
    headers: { Facility: '1', Severity: '5', 'flume.syslog.status': 'Incomplete' },
  },
  {
    message: '<34>1 2026-01-01T00:00:00Z web1 app: hello',
    body: 'app: hello',
    headers: {
      Facility: '4',
      Severity: '2',
      priority: '34',
      version: '1',
      timestamp: NEW_YEAR,
      host: 'web1',
    },
  },
  {
    message: '<34>1 2026-01-01T01:30:00.250+01:30 web1 x',
    body: 'x',
    headers: {
      Facility: '4',
      Severity: '2',
      priority: '34',
      version: '1',
      timestamp: String(Date.UTC(2026, 0, 1) + 250),
      host: 'web1',
    },
  },
  // Without a version, time or host.
  {
    message: '<34>2026-01-01T00:00:00Z web1 x',
    body: 'x',
    headers: { Facility: '4', Severity: '2', priority: '34', timestamp: NEW_YEAR, host: 'web1' },
  },
  {
    message: '<34>1 - web1 x',
    body: 'x',
    headers: { Facility: '4', Severity: '2', priority: '34', version: '1', host: 'web1' },
  },
  {
    message: '<34>1 2026-01-01T00:00:00Z - x',
    body: 'x',
    headers: { Facility: '4', Severity: '2', priority: '34', version: '1', timestamp: NEW_YEAR },
  },
  // A time that does not exist sets no header.
  {
    message: '<34>1 2026-13-01T00:00:00Z web1 x',
    body: 'x',
    headers: { Facility: '4', Severity: '2', priority: '34', version: '1', host: 'web1' },
  },
  // RFC 3164: days below ten have a second blank.
  {
    message: '<34>Oct 11 22:14:15 web1 su: failed',
    body: 'su: failed',
    headers: { Facility: '4', Severity: '2', priority: '34', timestamp: AUTUMN, host: 'web1' },
  },
  {
    message: '<34>Jan  1 00:00:00 web1 x',
    body: 'x',
    headers: { Facility: '4', Severity: '2', priority: '34', timestamp: NEW_YEAR, host: 'web1' },
  },
  {
    message: '<34>Foo 11 22:14:15 web1 x',
    body: 'x',
    headers: { Facility: '4', Severity: '2', priority: '34', host: 'web1' },
  },
  // A month in lower case is not a header.
  {
    message: '<34>oct 11 22:14:15 web1 x',
    body: '<34>oct 11 22:14:15 web1 x',
    headers: { Facility: '4', Severity: '2' },
  },
  // An empty body would be an invalid event.
  {
    message: '<34>1 - - ',
    body: '<34>1 - - ',
    headers: { Facility: '4', Severity: '2', priority: '34', version: '1' },
  },
  {
    message: '<34>1 - web1 x',
    keep: 'all',
    body: '<34>1 - web1 x',
    headers: { Facility: '4', Severity: '2', priority: '34', version: '1', host: 'web1' },
  },
  {
    message: '<34>1 2026-01-01T00:00:00Z web1 x',
    keep: fields('priority', 'version'),
    body: '<34>1 x',
    headers: {
      Facility: '4',
      Severity: '2',
      priority: '34',
      version: '1',
      timestamp: NEW_YEAR,
      host: 'web1',
    },
  },
  // Java prints missing values as null.
  {
    message: '<34>1 - - x',
    keep: fields('timestamp', 'hostname'),
    body: 'null null x',
    headers: { Facility: '4', Severity: '2', priority: '34', version: '1' },
  },
]

/** Of the multiport source. */
const multiport: readonly Row[] = [
  { message: 'x', body: 'x', headers: { 'flume.syslog.status': 'Invalid' } },
  { message: '<13>', body: '<13>', headers: { 'flume.syslog.status': 'Invalid' } },
  { message: '<>x', body: '<>x', headers: { 'flume.syslog.status': 'Invalid' } },
  { message: '<13>text', body: '<13>text', headers: { 'flume.syslog.status': 'Invalid' } },
  {
    message: '<13>1 2026-01-01T00:00:00 h x',
    body: '<13>1 2026-01-01T00:00:00 h x',
    headers: { 'flume.syslog.status': 'Invalid' },
  },
  {
    message: '<13>1 2026-01-01T00:00:00Z h',
    body: '<13>1 2026-01-01T00:00:00Z h',
    headers: { 'flume.syslog.status': 'Invalid' },
  },
  {
    message: '<13>1 2026-01-01T00:00:00Z h x y',
    body: 'x y',
    headers: {
      Priority: '13',
      Facility: '1',
      Severity: '5',
      Version: '1',
      timestamp: NEW_YEAR,
      host: 'h',
    },
  },
  {
    message: '<13>Jan  1 00:00:00 h x',
    body: 'x',
    headers: { Priority: '13', Facility: '1', Severity: '5', timestamp: NEW_YEAR, host: 'h' },
  },
  {
    message: '<13>Jan  1 00:00',
    body: '<13>Jan  1 00:00',
    headers: { 'flume.syslog.status': 'Invalid' },
  },
  // A missing time is the current one.
  {
    message: '<13>1 - h x',
    body: 'x',
    headers: {
      Priority: '13',
      Facility: '1',
      Severity: '5',
      Version: '1',
      timestamp: String(NOW),
      host: 'h',
    },
  },
  {
    message: '<13>1 - h x',
    isCut: true,
    keep: fields('priority', 'version', 'timestamp', 'hostname'),
    body: '<13>1 - h x',
    headers: {
      Priority: '13',
      Facility: '1',
      Severity: '5',
      Version: '1',
      timestamp: String(NOW),
      host: 'h',
      'flume.syslog.status': 'Incomplete',
    },
  },
  {
    message: '<13>1 - h x',
    keep: 'all',
    body: '<13>1 - h x',
    headers: {
      Priority: '13',
      Facility: '1',
      Severity: '5',
      Version: '1',
      timestamp: String(NOW),
      host: 'h',
    },
  },
]

const title = ({ message, keep, isCut }: Row): string =>
  `${JSON.stringify(message)}${keep === undefined ? '' : `, keeping ${keep instanceof Set ? [...keep] : keep}`}${isCut === true ? ', cut' : ''}`

describe('a syslog message over TCP or UDP:', () => {
  for (const row of rows) {
    it(title(row), () => {
      const { message, keep = 'none', isCut = false, body, headers } = row
      const parser = new MessageParser({ keepFields: keep, zone: 'utc', now: () => NOW })
      const bytes = Buffer.from(message)
      const event = parser.parse(bytes, messageOf(bytes, isCut))
      assert.deepEqual(
        { body: event.body.toString(), headers: { ...event.headers } },
        { body, headers },
      )
    })
  }

  it('has its own time, also if the last one had none', () => {
    const parser = new MessageParser({ keepFields: 'none', zone: 'utc', now: () => NOW })
    const times = ['2026-01-01T00:00:00Z', '2026-13-01T00:00:00Z', '2026-01-01T00:00:00Z'].map(
      (time) => {
        const bytes = Buffer.from(`<34>1 ${time} h x`)
        return parser.parse(bytes, messageOf(bytes, false)).headers.timestamp
      },
    )
    assert.deepEqual(times, [NEW_YEAR, undefined, NEW_YEAR])
  })
})

describe('a syslog message at several ports:', () => {
  for (const row of multiport) {
    it(title(row), () => {
      const { message, keep = 'none', isCut = false, body, headers } = row
      const event = parseMultiportMessage(Buffer.from(message), {
        keepFields: keep,
        isCut,
        now: () => NOW,
      })
      assert.deepEqual(
        { body: event.body.toString(), headers: { ...event.headers } },
        { body, headers },
      )
    })
  }
})

describe('keepFields', () => {
  const values: readonly (readonly [string, KeepFields | RegExp])[] = [
    ['none', 'none'],
    ['false', 'none'],
    [' TRUE ', 'all'],
    ['all', 'all'],
    ['priority', new Set(['priority'])],
    ['Hostname, version timestamp', new Set(['hostname', 'version', 'timestamp'])],
    ['priority host', /none, all, or some of priority, version, timestamp, hostname/],
    ['', /none, all, or some of/],
  ]
  for (const [text, expected] of values) {
    it(`${JSON.stringify(text)} is ${expected instanceof Set ? [...expected] : expected}`, () => {
      if (expected instanceof RegExp) assert.throws(() => parseKeepFields(text), expected)
      else assert.deepEqual(parseKeepFields(text), expected)
    })
  }

  it('of another form keeps the fields that it contains, as in Flume', () => {
    assert.deepEqual(namesWithin('priority|hostname').value, new Set(['priority', 'hostname']))
    assert.equal(namesWithin('nothing').note, 'none is kept, as in Flume')
  })
})
