// SPDX-License-Identifier: Apache-2.0
import type { Effects } from '../runtime/effects.ts'
import type { ClassicTimer } from './classic/classic-coordinator.ts'
import type { ConsumerTimer } from './consumer/consumer-coordinator.ts'
import type { GroupRecord } from './group-record.ts'
import type { ShareTimer } from './share/share-group-coordinator.ts'
import type { StreamsTimer } from './streams/streams-coordinator.ts'

/** Timers of all kinds of groups; each coordinator has its own. */
export type GroupTimer = ClassicTimer | ConsumerTimer | ShareTimer | StreamsTimer
export type GroupEffects = Effects<GroupRecord, GroupTimer>
