// SPDX-License-Identifier: Apache-2.0
export { type ChannelUnderTest, channelContract } from './channel-contract.ts'
export { componentContext, sourceContext, type TestChannel, testChannel } from './context.ts'
export { createComponent } from './create-component.ts'
export { type SinkUnderTest, sinkContract } from './sink-contract.ts'
export { type SourceUnderTest, sourceContract } from './source-contract.ts'
