// SPDX-License-Identifier: Apache-2.0
import type { Command } from '../command.ts'
import { bench } from './bench.ts'
import { completionCommand } from './completion.ts'
import { config } from './config.ts'
import { consume } from './consume.ts'
import { group } from './group.ts'
import { log } from './log.ts'
import { produce } from './produce.ts'
import { start } from './start.ts'
import { topic } from './topic.ts'

/** `millrace` and everything it can do. */
export const commands: Command = {
  name: 'millrace',
  summary: 'millrace: a Kafka-compatible broker in one command, and tools for any Kafka',
  details: `Tools talk to --bootstrap HOST:PORT, else to $MILLRACE_BOOTSTRAP, else to 127.0.0.1:9092.
Tab completion: source <(millrace completion bash)`,
  subcommands: [
    start,
    topic,
    produce,
    consume,
    group,
    config,
    log,
    bench,
    completionCommand(() => commands),
  ],
}
