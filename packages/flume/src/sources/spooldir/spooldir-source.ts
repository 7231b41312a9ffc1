// SPDX-License-Identifier: Apache-2.0
import { type FSWatcher, watch } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, join, relative } from 'node:path'
import { defineSource, type Source, type SourceContext } from '../../component.ts'
import {
  boolean,
  choice,
  ignored,
  integer,
  parsed,
  partType,
  prefixed,
  requiredText,
  text,
  type ValuesOf,
} from '../../config/keys.ts'
import { pathOf } from '../../config/paths.ts'
import { ChannelError, reasonOf } from '../../errors.ts'
import type { Event } from '../../event.ts'
import { pattern } from '../../regex/pattern-keys.ts'
import {
  checkDeserializer,
  type EventReader,
  type InputOptions,
  parseInputCharset,
  readerFactory,
} from '../../serialization/deserializers.ts'
import { WaitingRoom } from '../../waiting.ts'
import { putPatiently } from '../patient-put.ts'

const keys = {
  spoolDir: requiredText(),
  fileSuffix: text('.COMPLETED'),
  deletePolicy: choice(['never', 'immediate'], 'never'),
  fileHeader: boolean(false),
  fileHeaderKey: text('file'),
  basenameHeader: boolean(false),
  basenameHeaderKey: text('basename'),
  includePattern: pattern('^.*$'),
  ignorePattern: pattern('^$'),
  trackerDir: text('.flumespool'),
  trackingPolicy: choice(['rename', 'tracker_dir'], 'rename'),
  consumeOrder: choice(['oldest', 'youngest', 'random'], 'oldest'),
  pollDelay: integer(500, { min: 1 }),
  recursiveDirectorySearch: boolean(false),
  maxBackoff: ignored('a full channel is tried again for as long as it takes'),
  batchSize: integer(100, { min: 1 }),
  inputCharset: parsed(parseInputCharset, 'UTF-8'),
  decodeErrorPolicy: choice(['FAIL', 'REPLACE', 'IGNORE'], 'FAIL'),
  deserializer: partType('LINE'),
  deserializerEntries: prefixed('deserializer.'),
  bufferMaxLines: ignored('gone in Flume too'),
  bufferMaxLineLength: ignored('gone in Flume too; deserializer.maxLineLength says it'),
}

interface SpoolFile {
  readonly path: string
  readonly inode: number
  readonly device: number
  readonly size: number
  readonly modifiedMs: number
}

/** Progress in a file when the agent stopped. */
interface Progress {
  readonly inode: number
  readonly modifiedMs: number
  readonly cursor: number
}

/**
 * Reads complete files that are put into a directory. Each is read once, then renamed or removed.
 * The progress in a file is stored, so that a restart continues from there.
 */
class SpooldirSource implements Source {
  readonly #config: ValuesOf<typeof keys>
  readonly #context: SourceContext
  readonly #directory: string
  readonly #trackerDirectory: string
  readonly #openReader: (input: InputOptions) => Promise<EventReader>
  readonly #stopping = new AbortController()
  readonly #changes: WaitingRoom
  /** Unreadable files with their modification time: retried when that changes. */
  readonly #failed = new Map<string, number>()
  #watcher: FSWatcher | undefined
  #running: Promise<void> | undefined

  constructor(config: ValuesOf<typeof keys>, context: SourceContext) {
    this.#config = config
    this.#context = context
    this.#directory = pathOf(config.spoolDir, context.directory)
    this.#trackerDirectory = pathOf(config.trackerDir, this.#directory)
    this.#openReader = readerFactory(config.deserializer, config.deserializerEntries)
    this.#changes = new WaitingRoom(context.world.clock)
  }

  async start(): Promise<void> {
    const stats = await stat(this.#directory).catch(() => undefined)
    if (stats?.isDirectory() !== true) {
      throw new ChannelError(`spoolDir ${this.#directory} is not a directory; make it first`)
    }
    await mkdir(this.#trackerDirectory, { recursive: true }).catch((error: unknown) => {
      throw new ChannelError(
        `cannot write into spoolDir ${this.#directory}: ${reasonOf(error)}`,
        error,
      )
    })
    try {
      this.#watcher = watch(this.#directory, { persistent: false }, () => this.#changes.wake())
      this.#watcher.on('error', () => this.#watcher?.close())
    } catch {
      // Polling every `pollDelay` finds the files.
    }
    this.#running = this.#run()
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      let didRead = false
      try {
        const next = await this.#nextFile()
        if (next !== undefined) {
          await this.#consume(next)
          didRead = true
        }
      } catch (error) {
        this.#context.counters.add('EventReadFail')
        this.#context.logger.error('cannot read the spool directory', {
          source: this.#context.name,
          error: reasonOf(error),
        })
      }
      if (!didRead) await this.#changes.wait(this.#config.pollDelay, signal)
    }
  }

  async #nextFile(): Promise<SpoolFile | undefined> {
    const files = (await this.#list(this.#directory)).filter(
      ({ path, modifiedMs }) => this.#failed.get(path) !== modifiedMs,
    )
    const { consumeOrder } = this.#config
    if (consumeOrder === 'random')
      return files[this.#context.world.random.integer(Math.max(files.length, 1))]
    const sign = consumeOrder === 'oldest' ? 1 : -1
    files.sort((a, b) => sign * (a.modifiedMs - b.modifiedMs) || (a.path < b.path ? -1 : 1))
    return files[0]
  }

  async #list(directory: string): Promise<SpoolFile[]> {
    const { includePattern, ignorePattern, fileSuffix, recursiveDirectorySearch } = this.#config
    const files: SpoolFile[] = []
    for (const entry of await readdir(directory, { withFileTypes: true })) {
      const { name } = entry
      const path = join(directory, name)
      if (name.startsWith('.')) continue
      if (entry.isDirectory()) {
        if (recursiveDirectorySearch && path !== this.#trackerDirectory)
          files.push(...(await this.#list(path)))
        continue
      }
      if (name.endsWith(fileSuffix)) continue
      if (!includePattern.matchesInTime(name) || ignorePattern.matchesInTime(name)) continue
      const stats = await stat(path).catch(() => undefined)
      if (stats?.isFile() !== true || (await this.#isTracked(path))) continue
      files.push({
        path,
        inode: stats.ino,
        device: stats.dev,
        size: stats.size,
        modifiedMs: stats.mtimeMs,
      })
    }
    return files
  }

  #trackerPath(path: string): string {
    const name = relative(this.#directory, path).replaceAll(/[\\/]/g, '_')
    return join(this.#trackerDirectory, `${name}${this.#config.fileSuffix}`)
  }

  async #isTracked(path: string): Promise<boolean> {
    if (this.#config.trackingPolicy !== 'tracker_dir') return false
    return (await stat(this.#trackerPath(path)).catch(() => undefined)) !== undefined
  }

  get #progressPath(): string {
    return join(this.#trackerDirectory, 'millrace-progress.json')
  }

  async #readProgress(file: SpoolFile): Promise<number> {
    try {
      const progress = JSON.parse(await readFile(this.#progressPath, 'utf8')) as Progress
      const isThis = progress.inode === file.inode && progress.modifiedMs === file.modifiedMs
      return isThis ? progress.cursor : 0
    } catch {
      return 0
    }
  }

  async #consume(file: SpoolFile): Promise<void> {
    const { signal } = this.#stopping
    let reader: EventReader | undefined
    let cursor = await this.#readProgress(file)
    try {
      reader = await this.#openReader({
        path: file.path,
        charset: this.#config.inputCharset,
        decodeErrorPolicy: this.#config.decodeErrorPolicy,
      })
      const max = this.#context.channels.batchSizeWithin(this.#config.batchSize)
      while (!signal.aborted) {
        const { events, cursors, end } = await reader.read(cursor, max)
        if (events.length === 0) break
        this.#annotate(events, file)
        const origin = {
          id: `spool:${file.device}:${file.inode}:${file.modifiedMs}`,
          floor: cursor,
          positions: cursors,
          end,
        }
        if (!(await putPatiently(this.#context, events, signal, { origin }))) return
        cursor = end
        await this.#writeProgress({ inode: file.inode, modifiedMs: file.modifiedMs, cursor })
      }
    } catch (error) {
      this.#failed.set(file.path, file.modifiedMs)
      this.#context.counters.add('EventReadFail')
      this.#context.logger.error('cannot read a file; it is left unchanged', {
        source: this.#context.name,
        file: file.path,
        error: reasonOf(error),
      })
      return
    } finally {
      await reader?.close()
    }
    if (!signal.aborted) await this.#complete(file)
  }

  #annotate(events: readonly Event[], { path }: SpoolFile): void {
    const { fileHeader, fileHeaderKey, basenameHeader, basenameHeaderKey } = this.#config
    for (const { headers } of events) {
      if (fileHeader) headers[fileHeaderKey] = path
      if (basenameHeader) headers[basenameHeaderKey] = basename(path)
    }
  }

  async #writeProgress(progress: Progress): Promise<void> {
    const temporary = `${this.#progressPath}.tmp`
    await writeFile(temporary, JSON.stringify(progress))
    await rename(temporary, this.#progressPath)
  }

  async #complete(file: SpoolFile): Promise<void> {
    const { deletePolicy, fileSuffix, trackingPolicy } = this.#config
    const now = await stat(file.path).catch(() => undefined)
    if (now !== undefined && (now.size !== file.size || now.mtimeMs !== file.modifiedMs)) {
      this.#failed.set(file.path, now.mtimeMs)
      this.#context.logger.error(
        'a file changed after it was put into the spool directory; later bytes are not read',
        { source: this.#context.name, file: file.path },
      )
      return
    }
    if (deletePolicy === 'immediate') await rm(file.path, { force: true })
    else if (trackingPolicy === 'tracker_dir') await writeFile(this.#trackerPath(file.path), '')
    else await rename(file.path, await this.#freeName(`${file.path}${fileSuffix}`))
  }

  /** An existing file is not overwritten. */
  async #freeName(path: string): Promise<string> {
    for (let number = 0; ; number++) {
      const candidate =
        number === 0
          ? path
          : `${path.slice(0, -this.#config.fileSuffix.length || undefined)}.${number}${this.#config.fileSuffix}`
      if ((await stat(candidate).catch(() => undefined)) === undefined) {
        if (number > 0) {
          this.#context.logger.warn('a file with this name was read before', {
            source: this.#context.name,
            renamedTo: candidate,
          })
        }
        return candidate
      }
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#watcher?.close()
    await this.#running
  }
}

export const spooldirSource = defineSource({
  type: 'spooldir',
  aliases: ['org.apache.flume.source.SpoolDirectorySource'],
  about: 'files that are put into a directory',
  keys,
  check: (config) => checkDeserializer(config.deserializer, config.deserializerEntries),
  create: (config, context) => new SpooldirSource(config, context),
})
