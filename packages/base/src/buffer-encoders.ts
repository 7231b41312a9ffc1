// SPDX-License-Identifier: Apache-2.0

/**
 * Node's encoders without dispatch on an encoding name. They have long been public, but lack type
 * definitions.
 */
export interface BufferEncoders {
  utf8Slice(start: number, end: number): string
  base64urlSlice(start: number, end: number): string
  utf8Write(value: string, offset: number, length: number): number
  base64urlWrite(value: string, offset: number, length: number): number
}
/** A buffer with the methods that `ByteWriter` uses for encoding. */
export type EncodingBuffer = Buffer & BufferEncoders
