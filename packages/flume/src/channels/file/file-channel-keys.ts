// SPDX-License-Identifier: Apache-2.0
import { type ComponentContext, defineChannel } from '../../component.ts'
import {
  boolean,
  type CheckProblem,
  ignored,
  integer,
  optionalText,
  prefixed,
  text,
} from '../../config/keys.ts'
import { pathOf } from '../../config/paths.ts'
import { checkCapacities } from '../capacities.ts'
import { checkEncryption, cipherOf, encryptionOf } from './encryption-keys.ts'
import { FileChannel } from './file-channel.ts'

export const fileChannelKeys = {
  capacity: integer(1_000_000, { min: 1, elseDefault: 'out of range' }),
  transactionCapacity: integer(10_000, { min: 1, elseDefault: 'out of range' }),
  keepAlive: integer(3, { key: 'keep-alive', min: 0, isFloor: true }),
  checkpointDir: text('~/.flume/file-channel/checkpoint'),
  useDualCheckpoints: boolean(false),
  backupCheckpointDir: optionalText(),
  compressBackupCheckpoint: ignored('checkpoints are small'),
  dataDirs: text('~/.flume/file-channel/data'),
  checkpointInterval: integer(30_000, { min: 1, elseDefault: 'out of range' }),
  checkpointOnClose: boolean(true),
  maxFileSize: integer(2_146_435_071, { min: 1024, isFloor: true }),
  minimumRequiredSpace: integer(524_288_000, { min: 0, isFloor: true }),
  fsyncPerTransaction: boolean(true),
  fsyncInterval: integer(5, { min: 1, isFloor: true }),
  cacheSize: integer(32 * 1024 * 1024, { min: 0 }),
  useLogReplayV1: ignored('there is one way to read the log', { key: 'use-log-replay-v1' }),
  useFastReplay: ignored('there is one way to read the log', { key: 'use-fast-replay' }),
  encryption: prefixed('encryption.'),
  // These typos are in Flume's user guide.
  misspelt1: prefixed('encrpytion.'),
  misspelt2: prefixed('encyption.'),
}

type FileChannelConfig = Parameters<typeof createFileChannel>[0]

export function createFileChannel(
  config: {
    readonly capacity: number
    readonly transactionCapacity: number
    readonly keepAlive: number
    readonly checkpointDir: string
    readonly useDualCheckpoints: boolean
    readonly backupCheckpointDir: string | undefined
    readonly dataDirs: string
    readonly checkpointInterval: number
    readonly checkpointOnClose: boolean
    readonly maxFileSize: number
    readonly minimumRequiredSpace: number
    readonly fsyncPerTransaction: boolean
    readonly fsyncInterval: number
    readonly cacheSize: number
    readonly encryption: ReadonlyMap<string, string>
    readonly misspelt1: ReadonlyMap<string, string>
    readonly misspelt2: ReadonlyMap<string, string>
  },
  context: ComponentContext,
): FileChannel {
  const path = (value: string): string => pathOf(value, context.directory)
  return new FileChannel(
    {
      ...config,
      dataDirs: config.dataDirs.split(',').map(path),
      checkpointDir: path(config.checkpointDir),
      backupCheckpointDir:
        config.useDualCheckpoints && config.backupCheckpointDir !== undefined
          ? path(config.backupCheckpointDir)
          : undefined,
      checkpointIntervalMs: config.checkpointInterval,
      fsyncIntervalMs: config.fsyncInterval * 1000,
      cipher: cipherOf(encryptionOf(config), context),
    },
    context,
  )
}

export function checkFileChannel(config: FileChannelConfig): CheckProblem[] {
  const problems = [...checkCapacities(config), ...checkEncryption(encryptionOf(config))]
  if (config.useDualCheckpoints) {
    const { backupCheckpointDir } = config
    if (backupCheckpointDir === undefined) {
      problems.push({
        key: 'backupCheckpointDir',
        message: 'is missing: useDualCheckpoints needs it',
      })
    } else if (backupCheckpointDir === config.checkpointDir) {
      problems.push({ key: 'backupCheckpointDir', message: 'is the same as checkpointDir' })
    }
  }
  return problems
}

export const fileChannel = defineChannel({
  type: 'file',
  aliases: ['org.apache.flume.channel.file.FileChannel'],
  about: 'a write-ahead log on disk: nothing that was committed is lost',
  keys: fileChannelKeys,
  check: checkFileChannel,
  create: createFileChannel,
})
