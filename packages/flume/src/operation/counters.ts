// SPDX-License-Identifier: Apache-2.0

export type ComponentKind = 'SOURCE' | 'CHANNEL' | 'SINK'

/**
 * Names that Flume 1.11 reports for each kind (subclasses of `MonitoredCounterGroup`), present from
 * the start.
 */
const NAMES: Readonly<Record<ComponentKind, readonly string[]>> = {
  SOURCE: [
    'EventReceivedCount',
    'EventAcceptedCount',
    'AppendReceivedCount',
    'AppendAcceptedCount',
    'AppendBatchReceivedCount',
    'AppendBatchAcceptedCount',
    'OpenConnectionCount',
    'ChannelWriteFail',
    'EventReadFail',
    'GenericProcessingFail',
  ],
  CHANNEL: [
    'EventPutAttemptCount',
    'EventPutSuccessCount',
    'EventTakeAttemptCount',
    'EventTakeSuccessCount',
  ],
  SINK: [
    'ConnectionCreatedCount',
    'ConnectionClosedCount',
    'ConnectionFailedCount',
    'BatchEmptyCount',
    'BatchUnderflowCount',
    'BatchCompleteCount',
    'EventDrainAttemptCount',
    'EventDrainSuccessCount',
    'EventWriteFail',
    'ChannelReadFail',
  ],
}

/** Updated once per batch. */
export class Counters {
  /** Kind of the component. */
  readonly kind: ComponentKind
  /** Name of the component. */
  readonly name: string
  readonly #values = new Map<string, number>()
  readonly #gauges = new Map<string, () => number | string>()
  /** When the component was started, milliseconds since 1970; 0 if it was not. */
  startTimeMs = 0
  /** When the component was stopped, milliseconds since 1970; 0 if it was not. */
  stopTimeMs = 0

  /** Creates the counters of a component, all 0. */
  constructor(kind: ComponentKind, name: string) {
    this.kind = kind
    this.name = name
    for (const each of NAMES[kind]) this.#values.set(each, 0)
  }

  /** Adds to a counter. */
  add(name: string, count = 1): void {
    this.#values.set(name, (this.#values.get(name) ?? 0) + count)
  }

  /** Value of a counter. */
  value(name: string): number {
    return this.#values.get(name) ?? 0
  }

  /** Adds a value that is computed when the counters are read. */
  gauge(name: string, read: () => number | string): void {
    this.#gauges.set(name, read)
  }

  /** All counters and gauges, counters first. */
  read(): Map<string, number | string> {
    const all = new Map<string, number | string>(this.#values)
    for (const [name, read] of this.#gauges) all.set(name, read())
    all.set('StartTime', this.startTimeMs)
    all.set('StopTime', this.stopTimeMs)
    all.set('Type', this.kind)
    return all
  }
}
