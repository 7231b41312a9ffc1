// SPDX-License-Identifier: Apache-2.0
import { JmsMessageType, type MessageBody } from '@millrace/amqp'
import { Message } from './message.ts'

/** A message whose body is text. */
export class TextMessage extends Message {
  #text: string | null = null

  override get mappedType(): number {
    return JmsMessageType.text
  }

  /** The text, or null. */
  getText(): string | null {
    return this.#text
  }

  /** Sets the text. Throws `MessageNotWriteableException` if the body is read-only. */
  setText(text: string | null): void {
    this.checkBodyWriteable()
    this.#text = text === null ? null : String(text)
  }

  override clearBody(): void {
    super.clearBody()
    this.#text = null
  }

  override encodeBody(): MessageBody {
    return { kind: 'value', value: this.#text }
  }

  override decodeBody(body: MessageBody): void {
    if (body.kind === 'value' && typeof body.value === 'string') this.#text = body.value
    else if (body.kind === 'data') this.#text = body.data.toString('utf8')
  }

  protected override bodyObject(): unknown {
    return this.#text
  }

  override isBodyAssignableTo(type: unknown): boolean {
    return this.#text === null || type === String || type === Object
  }
}
