// SPDX-License-Identifier: Apache-2.0
// One script of requests to Apicurio Registry and to ours: equal answers, apart from listed ones.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { startApicurio } from './apicurio.ts'
import { startMillrace } from './peers.ts'
import { type RegistryStep, registrySteps } from './registry-steps.ts'

/** What is compared of an answer: the status, then the code of an error or the body's fields. */
type Summary = readonly [status: number, content: unknown]

/** Fields that both have. */
const common = ['subject', 'version', 'id', 'schemaType', 'references', 'schema', 'is_compatible']
const settings = ['compatibility', 'compatibilityLevel', 'mode']

function summary(status: number, text: string): Summary {
  const body = parsed(text)
  if (status >= 400) return [status, (body as { error_code?: number } | null)?.error_code ?? null]
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return [status, body]
  const fields = Object.entries(body)
    .filter(([key]) => [...common, ...settings].includes(key))
    .map(([key, value]) => [key, key === 'schema' ? schemaOf(value) : value])
  return [status, fields.length === 0 ? body : Object.fromEntries(fields)]
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text === '' ? null : 'text'
  }
}

/** A schema as JSON, if it is: Apicurio keeps the text, ours the canonical form of Avro. */
function schemaOf(value: unknown): unknown {
  try {
    return JSON.parse(String(value))
  } catch {
    return value
  }
}

/**
 * Ids in the order of their first appearance: Apicurio takes some for attempts that failed. Answers
 * that differ have just `id`.
 */
class Ids {
  readonly #names = new Map<number, string>()

  named([status, content]: Summary, { path, differs }: RegistryStep): Summary {
    const name = (id: unknown): unknown => (differs === undefined ? this.#name(Number(id)) : 'id')
    if (path.startsWith('/v1/')) return [status, status === 200 ? 'identity' : content]
    if (Array.isArray(content) && path.endsWith('referencedby')) return [status, content.map(name)]
    if (typeof content !== 'object' || content === null || !('id' in content)) {
      return [status, content]
    }
    // Of a registration, Apicurio returns the id only.
    if (path.endsWith('/versions')) return [status, name(content.id)]
    return [status, { ...content, id: name(content.id) }]
  }

  #name(id: number): string {
    const known = this.#names.get(id)
    if (known !== undefined) return known
    const name = `#${this.#names.size + 1}`
    this.#names.set(id, name)
    return name
  }
}

async function ask(url: string, { method, path, body }: RegistryStep): Promise<Summary> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    body: body === undefined ? null : JSON.stringify(body),
    signal: AbortSignal.timeout(30_000),
  })
  return summary(response.status, await response.text())
}

describe('our registry beside Apicurio 3.3.3', () => {
  const stack = new AsyncDisposableStack()
  let urls: readonly [ours: string, apicurio: string]

  before(async () => {
    const millrace = stack.use(
      await startMillrace({ args: ['--registry', '127.0.0.1:0', '--amqp', 'none'] }),
    )
    const apicurio = stack.use(await startApicurio())
    urls = [`http://${millrace.registry}`, apicurio.address]
  })
  after(() => stack.disposeAsync())

  it('answers alike, or differs for a listed reason', async () => {
    const wrong: string[] = []
    const [ourIds, apicurioIds] = [new Ids(), new Ids()]
    for (const [i, each] of registrySteps.entries()) {
      const ours = ourIds.named(await ask(urls[0], each), each)
      const apicurio = apicurioIds.named(await ask(urls[1], each), each)
      const { differs } = each
      const asExpected =
        isDeepStrictEqual(ours, differs?.ours ?? apicurio) &&
        isDeepStrictEqual(apicurio, differs?.apicurio ?? ours)
      // An entry of the list that has become equal is wrong, too.
      if (asExpected) continue
      const found = `ours ${JSON.stringify(ours)}, apicurio ${JSON.stringify(apicurio)}`
      wrong.push(`${i} ${each.method} ${each.path}: ${found}`)
    }
    assert.equal(wrong.join('\n'), '')
  })
})
