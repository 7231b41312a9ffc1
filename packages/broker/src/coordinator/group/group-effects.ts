// SPDX-License-Identifier: Apache-2.0
import type { Effects } from '../runtime/effects.ts'
import type { ClassicTimer } from './classic/classic-coordinator.ts'
import type { ConsumerTimer } from './consumer/consumer-coordinator.ts'
import type { GroupRecord } from './group-record.ts'

/** Timers of groups of every kind; each coordinator knows its own. */
export type GroupTimer = ClassicTimer | ConsumerTimer
export type GroupEffects = Effects<GroupRecord, GroupTimer>
