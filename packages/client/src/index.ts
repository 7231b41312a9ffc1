// SPDX-License-Identifier: Apache-2.0
export { Producer, type SendOptions, type TopicRecord } from './producer/producer.ts'
