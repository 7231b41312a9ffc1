// SPDX-License-Identifier: Apache-2.0
// Decisions of Apache Kafka 4.4.0's StandardAuthorizer; `ACL_GOLDEN=FILE npm run test:acl` compares
// another file.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { AclOperation, PatternType, PermissionType, ResourceType } from './acl-types.ts'
import { StandardAuthorizer } from './authorizer.ts'

interface Query {
  readonly principal: string
  readonly host: string
  readonly type: keyof typeof ResourceType
  readonly name: string
  readonly op: keyof typeof AclOperation
  readonly result: 'ALLOWED' | 'DENIED'
}

interface GoldenSet {
  readonly set: number
  readonly allowEveryoneIfNoAclFound: boolean
  readonly superUsers: string
  readonly acls: readonly {
    readonly type: keyof typeof ResourceType
    readonly name: string
    readonly pattern: keyof typeof PatternType
    readonly principal: string
    readonly host: string
    readonly op: keyof typeof AclOperation
    readonly permission: keyof typeof PermissionType
  }[]
  readonly queries: readonly Query[]
  readonly byResourceType: readonly Omit<Query, 'name'>[]
}

const own = join(import.meta.dirname, '../../../../test/testdata/security/acl-golden.jsonl')
const file = process.env.ACL_GOLDEN ?? own
const sets = readFileSync(file, 'utf8')
  .split('\n')
  .filter((line) => line !== '')
  .map((line): GoldenSet => JSON.parse(line))

describe('the authorizer', () => {
  it("decides as Kafka's StandardAuthorizer", () => {
    let agreed = 0
    const differing: string[] = []
    const compare = (where: string, expected: string, isAllowed: boolean): void => {
      if (expected === (isAllowed ? 'ALLOWED' : 'DENIED')) agreed++
      else differing.push(`${where}: expected ${expected}`)
    }
    for (const { set, acls, queries, byResourceType, ...options } of sets) {
      const authorizer = new StandardAuthorizer({
        acls: acls.map((acl) => ({
          resourceType: ResourceType[acl.type],
          resourceName: acl.name,
          patternType: PatternType[acl.pattern],
          principal: acl.principal,
          host: acl.host,
          operation: AclOperation[acl.op],
          permissionType: PermissionType[acl.permission],
        })),
        superUsers: new Set(options.superUsers.split(';')),
        allowEveryoneIfNoAclFound: options.allowEveryoneIfNoAclFound,
      })
      for (const query of queries) {
        const action = {
          operation: AclOperation[query.op],
          resourceType: ResourceType[query.type],
          resourceName: query.name,
        }
        const { isAllowed } = authorizer.authorize(query, action)
        compare(`set ${set} ${JSON.stringify(query)}`, query.result, isAllowed)
      }
      for (const query of byResourceType) {
        const [operation, type] = [AclOperation[query.op], ResourceType[query.type]]
        const isAllowed = authorizer.authorizeByResourceType(query, operation, type)
        compare(`set ${set} any ${JSON.stringify(query)}`, query.result, isAllowed)
      }
    }
    process.stdout.write(`acl: ${agreed} of ${agreed + differing.length} decisions agree\n`)
    assert.deepEqual(differing, [])
    assert.ok(agreed > 0)
  })
})
