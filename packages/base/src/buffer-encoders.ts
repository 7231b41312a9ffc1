// SPDX-License-Identifier: Apache-2.0

/**
 * Node's own encoders without the dispatch on an encoding name; long public, but not in its type
 * definitions.
 */
export interface BufferEncoders {
  utf8Slice(start: number, end: number): string
  base64urlSlice(start: number, end: number): string
  utf8Write(value: string, offset: number, length: number): number
  base64urlWrite(value: string, offset: number, length: number): number
}
/** A buffer under the methods that `ByteWriter` encodes with. */
export type EncodingBuffer = Buffer & BufferEncoders
