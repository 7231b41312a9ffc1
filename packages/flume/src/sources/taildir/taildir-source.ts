// SPDX-License-Identifier: Apache-2.0
import { type FSWatcher, readdirSync, type Stats, statSync, watch } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { elementAt, systemErrorCode, type Timer } from '@millrace/base'
import { defineSource, type Source, type SourceContext } from '../../component.ts'
import {
  boolean,
  type CheckProblem,
  ignored,
  integer,
  prefixed,
  requiredWords,
  text,
  type ValuesOf,
} from '../../config/keys.ts'
import { pathOf } from '../../config/paths.ts'
import { reasonOf } from '../../errors.ts'
import { Event, newHeaders } from '../../event.ts'
import { JavaPattern } from '../../regex/java-pattern.ts'
import { WaitingRoom } from '../../waiting.ts'
import { putPatiently } from '../patient-put.ts'
import { type KnownPosition, PositionFile } from './position-file.ts'
import { TailFile } from './tail-file.ts'

/** Changes are reported by the operating system; those that are not (NFS) are found by polling. */
const LOOK_MS = 500

const keys = {
  filegroups: requiredWords(),
  patterns: prefixed('filegroups.'),
  positionFile: text('~/.flume/taildir_position.json'),
  headers: prefixed('headers.'),
  byteOffsetHeader: boolean(false),
  skipToEnd: boolean(false),
  idleTimeout: integer(120_000, { min: 1, isFloor: true }),
  writePosInterval: integer(3000, { min: 1 }),
  batchSize: integer(100, { min: 1 }),
  maxBatchCount: integer(Number.MAX_SAFE_INTEGER, { min: 1, elseDefault: 'out of range' }),
  cachePatternMatching: ignored('directories are watched'),
  backoffSleepIncrement: ignored('changes are reported by the operating system'),
  maxBackoffSleep: ignored('changes are reported by the operating system'),
  fileHeader: boolean(false),
  fileHeaderKey: text('file'),
}

interface Group {
  readonly directory: string
  readonly pattern: JavaPattern
  readonly headers: ReadonlyMap<string, string>
}

/** A file with the headers of its group. */
interface Tailed {
  readonly file: TailFile
  headers: ReadonlyMap<string, string>
  /** State when it was last seen in its directory. */
  size: number
}

/**
 * Reads lines of growing files. A file is identified by its inode: a renamed file is not read
 * twice. Its position is updated after the commit, and durable channels recognize duplicates after
 * a crash.
 */
class TaildirSource implements Source {
  readonly #config: ValuesOf<typeof keys>
  readonly #context: SourceContext
  readonly #groups: readonly Group[]
  readonly #positions: PositionFile
  readonly #files = new Map<string, Tailed>()
  readonly #stopping = new AbortController()
  readonly #changes: WaitingRoom
  readonly #batchSize: number
  #known = new Map<number, KnownPosition>()
  #watchers: FSWatcher[] = []
  #running: Promise<void> | undefined
  #writeTimer: Timer | undefined
  #hasChanged = false
  #isFirstLook = true

  constructor(config: ValuesOf<typeof keys>, context: SourceContext) {
    this.#config = config
    this.#context = context
    this.#batchSize = context.channels.batchSizeWithin(config.batchSize)
    const named = config.filegroups.filter((name) => config.patterns.has(name))
    this.#groups = named.map((name) => {
      const path = pathOf(config.patterns.get(name) as string, context.directory)
      return {
        directory: dirname(path),
        // The pattern is the file name only, which `resolve` leaves unchanged.
        pattern: new JavaPattern(basename(config.patterns.get(name) as string)),
        headers: headersOf(config.headers, name),
      }
    })
    this.#positions = new PositionFile(pathOf(config.positionFile, context.directory))
    this.#changes = new WaitingRoom(context.world.clock)
  }

  async start(): Promise<void> {
    this.#known = new Map(
      this.#positions
        .read(this.#context.world.random.bytes(6).toString('hex'))
        .map((each) => [each.inode, each]),
    )
    for (const directory of new Set(this.#groups.map((group) => group.directory))) {
      this.#watch(directory)
    }
    this.#scheduleWrite()
    this.#running = this.#run()
  }

  #watch(directory: string): void {
    try {
      const watcher = watch(directory, { persistent: false }, () => {
        this.#hasChanged = true
        this.#changes.wake()
      })
      watcher.on('error', () => watcher.close())
      this.#watchers.push(watcher)
    } catch (error) {
      this.#context.logger.info('cannot watch a directory; polling it every half second', {
        source: this.#context.name,
        directory,
        reason: reasonOf(error),
      })
    }
  }

  #scheduleWrite(): void {
    this.#writeTimer = this.#context.world.clock.setTimer(this.#config.writePosInterval, () => {
      this.#writePositions()
      this.#scheduleWrite()
    })
  }

  #writePositions(): void {
    try {
      this.#positions.write([...this.#files.values()].map(({ file }) => file))
    } catch (error) {
      this.#context.counters.add('GenericProcessingFail')
      this.#context.logger.error('cannot write positionFile', {
        source: this.#context.name,
        error: reasonOf(error),
      })
    }
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      this.#hasChanged = false
      let hasMore = false
      try {
        this.#look()
        for (const tailed of this.#files.values()) {
          if (await this.#tail(tailed)) hasMore = true
          if (signal.aborted) break
        }
      } catch (error) {
        this.#context.counters.add('EventReadFail')
        this.#context.logger.error('cannot read', {
          source: this.#context.name,
          error: reasonOf(error),
        })
      }
      if (!hasMore && !this.#hasChanged) await this.#changes.wait(LOOK_MS, signal)
    }
  }

  /** Finds new, renamed and removed files. */
  #look(): void {
    const found = new Set<string>()
    for (const group of this.#groups) {
      for (const name of namesIn(group.directory)) {
        if (name.startsWith('.') || !group.pattern.matchesInTime(name)) continue
        this.#find(join(group.directory, name), group, found)
      }
    }
    this.#isFirstLook = false
    for (const [key, { file }] of this.#files) {
      // A removed file is first read to its end through the open handle.
      if (found.has(key) || (file.isOpen && file.size > file.position)) continue
      file.close()
      this.#files.delete(key)
    }
  }

  #find(path: string, group: Group, found: Set<string>): void {
    let stats: Stats
    try {
      stats = statSync(path)
    } catch {
      return
    }
    if (!stats.isFile()) return
    const key = `${stats.dev}:${stats.ino}`
    if (found.has(key)) return
    found.add(key)
    const tailed = this.#files.get(key)
    if (tailed === undefined) {
      const file = this.#newFile(path, stats)
      this.#files.set(key, { file, headers: group.headers, size: stats.size })
      return
    }
    if (tailed.size !== stats.size) tailed.file.lastChangeMs = this.#context.world.clock.now()
    tailed.size = stats.size
    tailed.file.path = path
    tailed.headers = group.headers
  }

  #newFile(path: string, stats: Stats): TailFile {
    const known = this.#known.get(stats.ino)
    this.#known.delete(stats.ino)
    const skips = known === undefined && this.#config.skipToEnd && this.#isFirstLook
    return new TailFile({
      path,
      inode: stats.ino,
      device: stats.dev,
      birthMs: stats.birthtimeMs,
      position: known?.pos ?? (skips ? stats.size : 0),
      generation: known?.generation ?? 0,
      fingerprint: known?.fingerprint,
      nowMs: this.#context.world.clock.now(),
    })
  }

  /** Reads new lines of a file; returns true if there are more. */
  async #tail(tailed: Tailed): Promise<boolean> {
    const { file } = tailed
    const { clock } = this.#context.world
    const { idleTimeout, maxBatchCount } = this.#config
    // A file that was closed because it was idle is opened again when it changes.
    if (!file.isOpen && tailed.size === file.position && file.fingerprint !== undefined)
      return false
    if (!file.isOpen && !this.#opens(file)) return false
    file.checkIdentity()
    if (file.size === file.position) {
      if (clock.now() - file.lastChangeMs > idleTimeout) file.close()
      return false
    }
    for (let batches = 0; batches < maxBatchCount; batches++) {
      // An incomplete last line is read after an idle time.
      const isIdle = clock.now() - file.lastChangeMs > idleTimeout
      const { lines, positions, end } = file.readLines(file.position, this.#batchSize, isIdle)
      if (lines.length === 0) return false
      const events = lines.map((line, index) =>
        this.#event(line, elementAt(positions, index), tailed),
      )
      const origin = {
        id: `${this.#positions.epoch}:${file.originId}`,
        floor: file.position,
        positions,
        end,
      }
      if (!(await putPatiently(this.#context, events, this.#stopping.signal, { origin })))
        return false
      file.position = end
      file.lastChangeMs = clock.now()
      file.noteFingerprint()
      if (lines.length < this.#batchSize && file.size === end) return false
    }
    return true
  }

  #opens(file: TailFile): boolean {
    try {
      file.open()
      return true
    } catch (error) {
      if (systemErrorCode(error) !== 'ENOENT') {
        this.#context.counters.add('EventReadFail')
        this.#context.logger.warn('cannot open a file', {
          source: this.#context.name,
          file: file.path,
          reason: reasonOf(error),
        })
      }
      return false
    }
  }

  #event(line: Buffer, position: number, { file, headers: fixed }: Tailed): Event {
    const headers = newHeaders()
    for (const [name, value] of fixed) headers[name] = value
    if (this.#config.fileHeader) headers[this.#config.fileHeaderKey] = file.path
    if (this.#config.byteOffsetHeader) headers.byteoffset = String(position)
    return new Event(line, headers)
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#writeTimer?.cancel()
    for (const watcher of this.#watchers) watcher.close()
    this.#watchers = []
    await this.#running
    if (this.#running !== undefined) this.#writePositions()
    for (const { file } of this.#files.values()) file.close()
  }
}

/** `headers.<group>.<name>` of a group. */
function headersOf(all: ReadonlyMap<string, string>, group: string): ReadonlyMap<string, string> {
  const prefix = `${group}.`
  return new Map(
    [...all]
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, value]) => [key.slice(prefix.length), value]),
  )
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory).sort()
  } catch {
    return []
  }
}

export const taildirSource = defineSource({
  type: 'TAILDIR',
  aliases: ['org.apache.flume.source.taildir.TaildirSource'],
  about: 'lines of growing files, over renaming and restarts',
  keys,
  check({ filegroups, patterns, headers }) {
    const problems: CheckProblem[] = []
    const isEmpty = !filegroups.some((name) => patterns.has(name))
    for (const name of filegroups) {
      const pattern = patterns.get(name)
      if (pattern === undefined) {
        problems.push({
          key: `filegroups.${name}`,
          message: 'is missing: a directory and a pattern for names',
          // Flume leaves out the group.
          effect: isEmpty ? 'component' : 'none',
        })
        continue
      }
      try {
        new JavaPattern(basename(pattern))
      } catch (error) {
        problems.push({
          key: `filegroups.${name}`,
          message: `is ${JSON.stringify(pattern)}; expected ${reasonOf(error)}`,
        })
      }
    }
    for (const name of patterns.keys()) {
      if (!filegroups.includes(name)) {
        problems.push({
          key: `filegroups.${name}`,
          message: `is for ${name}, which filegroups does not list`,
          effect: 'none',
        })
      }
    }
    for (const key of headers.keys()) {
      const [group = ''] = key.split('.')
      if (!filegroups.includes(group)) {
        problems.push({
          key: `headers.${key}`,
          message: `is for ${group}, which filegroups does not list`,
          effect: 'none',
        })
      }
    }
    return problems
  },
  create: (config, context) => new TaildirSource(config, context),
})
