// SPDX-License-Identifier: Apache-2.0
import { Effects } from '../../runtime/effects.ts'
import type { GroupConfig } from '../group-config.ts'
import type { GroupEffects, GroupTimer } from '../group-effects.ts'
import { decodeGroupRecord, encodeGroupRecord } from '../group-record.ts'
import { GroupShard } from '../group-shard.ts'
import type { KnownTopic, TopicsView } from '../modern/topics-view.ts'

const settings: Readonly<Record<string, string>> = {
  'consumer.heartbeat.interval.ms': '5000',
  'consumer.session.timeout.ms': '45000',
  'consumer.assignment.interval.ms': '0',
  'share.heartbeat.interval.ms': '5000',
  'share.session.timeout.ms': '45000',
  'share.assignment.interval.ms': '0',
  'share.auto.offset.reset': 'latest',
  'streams.heartbeat.interval.ms': '5000',
  'streams.session.timeout.ms': '45000',
  'streams.assignment.interval.ms': '0',
  'streams.initial.rebalance.delay.ms': '0',
  'streams.num.standby.replicas': '0',
}

const baseConfig: GroupConfig = {
  minSessionTimeoutMs: 6000,
  maxSessionTimeoutMs: 1_800_000,
  initialRebalanceDelayMs: 0,
  maxSize: 10,
  offsetMetadataMaxBytes: 100,
  offsetsRetentionMs: 60_000,
  consumer: {
    maxSize: 10,
    assignors: ['uniform', 'range'],
    migrationPolicy: 'bidirectional',
  },
  share: { maxSize: 10 },
  streams: { maxSize: 10 },
  settings: {
    text: (_groupId, name) => settings[name] ?? '',
    number: (_groupId, name) => Number(settings[name]),
  },
}

/** Topics made up by a test; the id of `orders` is 22 letters that begin with the name. */
export class FakeTopics implements TopicsView {
  readonly #topics = new Map<string, KnownTopic>()
  version = 0

  static idOf(name: string): string {
    return name.padEnd(21, 'x').concat('A')
  }

  set(name: string, partitionCount: number): void {
    this.#topics.set(name, { id: FakeTopics.idOf(name), name, partitionCount })
    this.version++
  }

  delete(name: string): void {
    this.#topics.delete(name)
    this.version++
  }

  byName(name: string): KnownTopic | undefined {
    return this.#topics.get(name)
  }

  byId(id: string): KnownTopic | undefined {
    return [...this.#topics.values()].find((topic) => topic.id === id)
  }

  names(): Iterable<string> {
    return this.#topics.keys()
  }
}

/** A shard with its log, clock and pending requests, all visible to the test. */
export class ShardBench {
  shard: GroupShard
  nowMs = 1000
  readonly topics = new FakeTopics()
  readonly log: { readonly key: Buffer; readonly value: Buffer | null }[] = []
  readonly replies = new Map<number, unknown>()
  readonly timers = new Map<string, { readonly dueMs: number; readonly event: GroupTimer }>()
  readonly #config: GroupConfig
  #token = 0

  constructor(overrides: Partial<GroupConfig> = {}) {
    this.#config = { ...baseConfig, ...overrides }
    this.shard = new GroupShard(this.#config, this.topics)
    this.shard.restore(this.nowMs)
  }

  nextToken(): number {
    return ++this.#token
  }

  step<T>(run: (fx: GroupEffects) => T): T {
    const fx: GroupEffects = new Effects()
    const result = run(fx)
    this.#carryOut(fx)
    return result
  }

  #carryOut(fx: GroupEffects): void {
    for (const record of fx.records) {
      const encoded = encodeGroupRecord(record)
      this.log.push(encoded)
      this.shard.apply(decodeGroupRecord(encoded.key, encoded.value), this.nowMs)
    }
    for (const { token, reply } of fx.replies) this.replies.set(token, reply)
    for (const change of fx.timers) {
      if (change.kind === 'cancel') this.timers.delete(change.key)
      else if (change.ifAbsent !== true || !this.timers.has(change.key)) {
        this.timers.set(change.key, change)
      }
    }
  }

  pass(ms: number): void {
    const end = this.nowMs + ms
    for (;;) {
      const [next] = [...this.timers]
        .filter(([, { dueMs }]) => dueMs <= end)
        .sort((a, b) => a[1].dueMs - b[1].dueMs)
      if (next === undefined) break
      this.timers.delete(next[0])
      this.nowMs = next[1].dueMs
      this.#carryOut(this.shard.expire(next[1].event, this.nowMs))
    }
    this.nowMs = end
  }

  /** Restarts the shard from its log. */
  restart(): void {
    this.shard = new GroupShard(this.#config, this.topics)
    for (const { key, value } of this.log) {
      this.shard.apply(decodeGroupRecord(key, value), this.nowMs)
    }
    this.timers.clear()
    this.#carryOut(this.shard.restore(this.nowMs))
  }
}
