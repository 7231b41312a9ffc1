// SPDX-License-Identifier: Apache-2.0
// The HDFS sinks of Flume 1.11 and millrace on local files write the same directories and files,
// which Hadoop reads.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { gunzipSync } from 'node:zlib'
import { netcatOnly, placeFor, run, send } from './flume-agents.ts'
import { java } from './peers.ts'

/**
 * All files below a directory but Hadoop's checksums, with what a counter adds to their names left
 * out.
 */
function filesBelow(directory: string): { readonly name: string; readonly path: string }[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map((name) => join(directory, name))
    .filter((path) => statSync(path).isFile() && !path.endsWith('.crc'))
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .map((path) => ({ name: relative(directory, path).replace(/\.\d{13}/, '.N'), path }))
}

const sink = (entries: readonly string[]): string =>
  [
    netcatOnly(),
    'a1.sinks.k1.type = hdfs',
    ...entries.map((entry) => `a1.sinks.k1.hdfs.${entry}`),
    'a1.sources.r1.interceptors = t s',
    'a1.sources.r1.interceptors.t.type = timestamp',
    'a1.sources.r1.interceptors.s.type = static',
    'a1.sources.r1.interceptors.s.key = site',
    'a1.sources.r1.interceptors.s.value = north',
  ].join('\n')

const lines = Array.from({ length: 11 }, (_, i) => `line ${i} ${'x'.repeat(i)}`)

/** Waits until files were written and have not changed for a second. */
async function quiet(directory: string): Promise<void> {
  const state = (): string =>
    filesBelow(directory)
      .map(({ path }) => `${path} ${statSync(path).size}`)
      .join()
  for (let last = ''; last === '' || last !== state(); await sleep(1000)) last = state()
}

async function outcome(
  which: 'flume' | 'millrace',
  configuration: string,
  read: (path: string) => string,
): Promise<readonly string[]> {
  const place = await placeFor(which)
  const agent = await run(place, configuration)
  const out = join(place.directory, 'out')
  try {
    await send(place.port, lines.map((line) => `${line}\n`).join(''))
    await quiet(out)
  } finally {
    await agent.stop()
  }
  return filesBelow(out).map(({ name, path }) => `${name}: ${read(path)}`)
}

function same(title: string, entries: readonly string[], read: (path: string) => string): void {
  it(title, async () => {
    const configuration = sink(entries)
    const theirs = await outcome('flume', configuration, read)
    assert.ok(theirs.length > 0, 'Flume wrote something')
    assert.deepEqual(await outcome('millrace', configuration, read), theirs)
  })
}

const text = (path: string): string => readFileSync(path, 'utf8')
const common = ['path = file://DIR/out/%{site}/%Y', 'rollInterval = 0']

describe('the HDFS sink on local files', () => {
  same(
    'rolls files by number of events',
    [...common, 'fileType = DataStream', 'rollCount = 4', 'rollSize = 0', 'fileSuffix = .log'],
    text,
  )

  same(
    'rolls files by size',
    [
      ...common,
      'fileType = DataStream',
      'rollCount = 0',
      'rollSize = 30',
      'filePrefix = p-%{site}',
    ],
    text,
  )

  same(
    'suffixes of files in use',
    [
      'path = file:DIR/out/%[localhost]',
      'rollInterval = 0',
      'rollCount = 0',
      'rollSize = 0',
      'fileType = DataStream',
      'inUsePrefix = _',
      'inUseSuffix = .part',
    ],
    text,
  )

  same(
    'gzip',
    [...common, 'fileType = CompressedStream', 'codeC = gzip', 'rollCount = 5', 'rollSize = 0'],
    (path) => gunzipSync(readFileSync(path)).toString(),
  )

  for (const entries of [['writeFormat = Text'], ['writeFormat = Writable', 'codeC = default']]) {
    it(`a sequence file with ${entries.join(', ')}`, async () => {
      const configuration = sink([...common, 'rollCount = 20', 'rollSize = 0', ...entries])
      const read: string[][] = []
      for (const which of ['flume', 'millrace'] as const) {
        const paths: string[] = []
        await outcome(which, configuration, (path) => String(paths.push(path)))
        const { stdout, stderr, code } = await java('flume-1.11.0', [
          'SequenceFileReader',
          ...paths,
        ])
        assert.equal(code, 0, stderr.slice(-2000))
        read.push(stdout.split('\n').filter((line) => line !== ''))
      }
      const [theirs, ours] = read
      assert.deepEqual(theirs?.slice(1), lines)
      assert.deepEqual(ours, theirs)
    })
  }

  // Hadoop writes these only with its native libraries.
  for (const codec of ['gzip', 'snappy']) {
    it(`a sequence file with codeC = ${codec}, which Hadoop reads`, async () => {
      const paths: string[] = []
      const entries = [...common, 'rollCount = 20', 'rollSize = 0', `codeC = ${codec}`]
      await outcome('millrace', sink(entries), (path) => String(paths.push(path)))
      const { stdout, stderr } = await java('flume-1.11.0', ['SequenceFileReader', ...paths])
      assert.deepEqual(stdout.split('\n').slice(1, -1), lines, stderr.slice(-2000))
    })
  }
})
