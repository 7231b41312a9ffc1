// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type ByteSource, connectionPair, nodeWorld } from '@millrace/base'
import { ChunkBuffers, ReplyOutput, type ReplyPiece } from './reply-output.ts'

class Source implements ByteSource {
  readonly bytes: Buffer
  reads = 0
  isReleased = false

  constructor(size: number, fill: string) {
    this.bytes = Buffer.alloc(size, fill)
  }
  get length(): number {
    return this.bytes.length
  }
  read(target: Uint8Array, offset: number): void {
    this.reads++
    this.bytes.copy(target, 0, offset, offset + target.length)
  }
  retain(): void {}
  release(): void {
    assert.equal(this.isReleased, false)
    this.isReleased = true
  }
}

describe('ReplyOutput', () => {
  it('writes bytes and sources in order, over TCP and in memory', async () => {
    const pieces = (): ReplyPiece[] => [
      Buffer.from('head'),
      new Source(1_000_000, 'abc'),
      new Source(70_000, 'x'),
      Buffer.from('middle'),
      Buffer.alloc(0),
      Buffer.alloc(600_000, 'large'),
      new Source(1, 'y'),
    ]
    const expected = Buffer.concat(
      pieces().map((piece) => (piece instanceof Source ? piece.bytes : (piece as Buffer))),
    )
    const [inner, outer] = connectionPair(1)
    const accepted = Promise.withResolvers<typeof inner>()
    await using listener = {
      ...(await nodeWorld.network.listen({
        host: '127.0.0.1',
        port: 0,
        onConnection: accepted.resolve,
        onError: assert.ifError,
      })),
      [Symbol.asyncDispose]: () => listener.close(),
    }
    const client = await nodeWorld.network.connect({ host: '127.0.0.1', port: listener.port })
    for (const [from, to] of [
      [inner, outer],
      [await accepted.promise, client],
    ] as const) {
      const output = new ReplyOutput(from, new ChunkBuffers())
      const write = (): void => {
        while (output.mayWrite) output.write(false)
        if (output.isEmpty) from.end()
      }
      from.onDrain = () => {
        output.onDrain()
        write()
      }
      const received = new Promise<Buffer>((resolve) => {
        const chunks: Buffer[] = []
        to.onData = (chunk) => void chunks.push(chunk)
        to.onEnd = () => resolve(Buffer.concat(chunks))
      })
      const sent = pieces()
      output.add(sent)
      write()
      assert.ok((await received).equals(expected))
      assert.ok(sent.every((piece) => !(piece instanceof Source) || piece.isReleased))
      from.destroy()
      to.destroy()
    }
  })

  it('reads one chunk ahead of a client that does not read, and releases the rest when closed', () => {
    const [server, client] = connectionPair(1)
    client.pause()
    const output = new ReplyOutput(server, new ChunkBuffers())
    const sources = [new Source(20_000_000, 'x'), new Source(20_000_000, 'y')]
    output.add(sources)
    while (output.mayWrite) output.write(false)
    assert.ok(output.heldBytes <= 256 * 1024, `${output.heldBytes} bytes`)
    assert.deepEqual(
      sources.map(({ reads }) => reads),
      [1, 0],
    )
    output.close()
    assert.ok(sources.every(({ isReleased }) => isReleased))
    assert.equal(output.isEmpty, true)
  })
})
