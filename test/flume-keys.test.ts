// SPDX-License-Identifier: Apache-2.0
// Every key in the user guide of Flume 1.11 is supported, or rejected by name
// (test/testdata/flume-keys.json: names only).
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { builtIn, ConfigurationError, type Keys, loadAgents } from '@millrace/flume'

interface Documented {
  readonly role: keyof typeof builtIn
  readonly type: string
  readonly keys?: readonly string[]
  readonly refused?: true
}

const documented = JSON.parse(
  readFileSync(join(import.meta.dirname, 'testdata/flume-keys.json'), 'utf8'),
) as readonly Documented[]

/** Keys of every component of a kind, read before the component is created. */
const COMMON =
  /^(type|channels?|sinks|interceptors(\..*)?|selector\.(type|\*)|processor\.(type|sinks))$/

function isKnown(given: string, keys: Keys, role: string): boolean {
  const prefix = { 'channel selector': 'selector.', 'sink processor': 'processor.' }[role] ?? ''
  const key = given.replaceAll('\\', '').replaceAll(' ', '').replace(prefix, '')
  return Object.entries(keys).some(([name, each]) =>
    each.kind === 'prefix'
      ? key.startsWith(each.prefix)
      : key.endsWith('.*')
        ? (each.key ?? name).startsWith(key.slice(0, -1))
        : (each.key ?? name) === key || (each.kind === 'single' && each.alsoKnownAs?.includes(key)),
  )
}

describe("the keys of Flume's user guide", () => {
  for (const { role, type, keys, refused } of documented) {
    if (refused === true) {
      it(`${role} ${type} is rejected with a reason`, async () => {
        const section = `${role}s`
        const text =
          role === 'interceptor'
            ? `a.sources = r\na.channels = c\na.channels.c.type = memory\na.sources.r.type = seq\na.sources.r.channels = c\na.sources.r.interceptors = i\na.sources.r.interceptors.i.type = ${type}\n`
            : `a.${section} = x\na.${section}.x.type = ${type}\n`
        const error = await loadAgents([{ where: 'f', text }]).catch((failure: unknown) => failure)
        assert.ok(error instanceof ConfigurationError)
        assert.match(error.message, /which is not supported: .{10}/)
      })
      continue
    }
    it(`${role} ${type}: all ${keys?.length}`, () => {
      const list: readonly { readonly type: string; readonly keys: Keys }[] = builtIn[role]
      const found = list.find((each) => each.type === type)
      assert.ok(found !== undefined)
      const unknown = (keys ?? []).filter(
        (key) =>
          !COMMON.test(key) &&
          !/^\*?(Other|more) |^<.*>$/.test(key) &&
          !isKnown(key, found.keys, role),
      )
      assert.deepEqual(unknown, [])
    })
  }
})
