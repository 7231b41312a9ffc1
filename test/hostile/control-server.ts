// SPDX-License-Identifier: Apache-2.0
// Program of `ControlProcess`: answers each byte of a connection once a file is synced.
import { closeSync, fdatasync, openSync, unlinkSync, writeSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const path = join(tmpdir(), `millrace-control-${process.pid}`)
const file = openSync(path, 'w')
process.on('exit', () => {
  closeSync(file)
  unlinkSync(path)
})
// The parent has ended.
process.stdin.on('end', () => process.exit()).resume()

const server = createServer((socket) => {
  socket.setNoDelay(true)
  socket.on('error', () => socket.destroy())
  socket.on('data', (data: Buffer) => {
    writeSync(file, data, 0, data.length, 0)
    fdatasync(file, () => socket.write(data))
  })
})
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`)
})
