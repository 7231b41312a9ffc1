// SPDX-License-Identifier: Apache-2.0
import { ByteWriter } from '@millrace/base'
import { type Api, writeResponseHeader } from '@millrace/protocol'
import type { ReplyPiece } from './reply-output.ts'

/** The frame of a response, whose body `writeBody` writes. */
export function responseFrame(
  writeBody: (writer: ByteWriter) => void,
  about: { readonly api: Api; readonly version: number; readonly correlationId: number },
): ReplyPiece[] {
  const writer = new ByteWriter(512)
  writeResponseHeader(writer, about.api, about.version, about.correlationId)
  writeBody(writer)
  return framed(writer)
}

/** Prepends the size to the written bytes. */
export function framed(writer: ByteWriter): ReplyPiece[] {
  const size = Buffer.allocUnsafe(4)
  size.writeInt32BE(writer.size)
  return [size, ...writer.finishPieces()]
}
