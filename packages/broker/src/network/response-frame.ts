// SPDX-License-Identifier: Apache-2.0
import { ByteWriter } from '@millrace/base'
import { type Api, codecOf, type MessageSchema, writeResponseHeader } from '@millrace/protocol'
import type { ReplyPiece } from './reply-output.ts'

/** The frame of a response. */
export function responseFrame(
  message: unknown,
  about: {
    readonly api: Api
    readonly response: MessageSchema
    readonly version: number
    readonly correlationId: number
  },
): ReplyPiece[] {
  const writer = new ByteWriter(512)
  writeResponseHeader(writer, about.api, about.version, about.correlationId)
  codecOf(about.response, about.version).encode(writer, message as object as never)
  return framed(writer)
}

/** Prepends the size to the written bytes. */
export function framed(writer: ByteWriter): ReplyPiece[] {
  const size = Buffer.allocUnsafe(4)
  size.writeInt32BE(writer.size)
  return [size, ...writer.finishPieces()]
}
