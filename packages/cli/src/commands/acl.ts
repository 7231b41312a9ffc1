// SPDX-License-Identifier: Apache-2.0
import type { AclBinding, AclFilter, AclOperation, AclResourceType } from '@millrace/client'
import { connectionOptions, openAdmin } from '../client/connection.ts'
import { printRows, report } from '../client/output.ts'
import type { Command } from '../command.ts'
import type { Options, ParsedOptions } from '../options.ts'
import { UsageError } from '../usage-error.ts'

const CLUSTER = 'kafka-cluster'

const operations: readonly AclOperation[] = [
  'all',
  'read',
  'write',
  'create',
  'delete',
  'alter',
  'describe',
  'clusterAction',
  'describeConfigs',
  'alterConfigs',
  'idempotentWrite',
  'createTokens',
  'describeTokens',
  'twoPhaseCommit',
]

const resourceOptions = {
  topic: { value: 'NAME', help: "a topic; NAME* for all whose names start so, '*' for all" },
  group: { value: 'NAME', help: 'a group' },
  'transactional-id': { value: 'NAME', help: 'a transactional id' },
  user: { value: 'PRINCIPAL', help: 'a user, for delegation tokens' },
  cluster: { help: 'the cluster' },
} satisfies Options

const ruleOptions = {
  operation: { value: 'OPERATION', multiple: true, help: 'read, write, describe … or all' },
  host: { value: 'HOST', help: 'address or range of clients (default *)' },
} satisfies Options

interface Resource {
  readonly resourceType: AclResourceType
  readonly resourceName: string
  readonly patternType: 'literal' | 'prefixed'
}

const resourceTypes: Readonly<Record<string, AclResourceType>> = {
  topic: 'topic',
  group: 'group',
  'transactional-id': 'transactionalId',
  user: 'user',
}

function resourceOf(parsed: ParsedOptions): Resource | undefined {
  const found = Object.entries(resourceTypes).flatMap(([option, resourceType]): Resource[] => {
    const name = parsed.value(option)
    if (name === undefined) return []
    const isPrefix = name.length > 1 && name.endsWith('*')
    const resourceName = isPrefix ? name.slice(0, -1) : name
    return [{ resourceType, resourceName, patternType: isPrefix ? 'prefixed' : 'literal' }]
  })
  if (parsed.has('cluster')) {
    found.push({ resourceType: 'cluster', resourceName: CLUSTER, patternType: 'literal' })
  }
  if (found.length > 1) throw new UsageError('expected one resource only')
  return found[0]
}

function operationsOf(parsed: ParsedOptions): AclOperation[] {
  return parsed.values('operation').map((given) => {
    const plain = given.replace(/[-_]/g, '').toLowerCase()
    const found = operations.find((name) => name.toLowerCase() === plain)
    if (found === undefined) {
      throw new UsageError(`invalid --operation ${given}: expected ${operations.join(', ')}`)
    }
    return found
  })
}

const add: Command = {
  name: 'add',
  summary: 'allows or denies operations on a resource',
  options: {
    ...connectionOptions,
    ...resourceOptions,
    ...ruleOptions,
    allow: {
      value: 'PRINCIPAL',
      multiple: true,
      help: 'allowed principal, such as User:alice; User:* for all',
    },
    deny: { value: 'PRINCIPAL', multiple: true, help: 'denied principal' },
  },
  details: `Examples:
  millrace acl add --topic orders --allow User:alice --operation write
  millrace acl add --group 'app-*' --allow User:alice --operation read`,
  async run(parsed) {
    const resource = resourceOf(parsed)
    if (resource === undefined) throw new UsageError('expected a resource, as --topic NAME')
    const wanted = operationsOf(parsed)
    if (wanted.length === 0) throw new UsageError('expected --operation')
    const host = parsed.value('host') ?? '*'
    const bindings = (['allow', 'deny'] as const).flatMap((permission) =>
      parsed
        .values(permission)
        .flatMap((principal) =>
          wanted.map(
            (operation): AclBinding => ({ ...resource, principal, host, operation, permission }),
          ),
        ),
    )
    if (bindings.length === 0) throw new UsageError('expected --allow or --deny')
    await using admin = openAdmin(parsed)
    await admin.createAcls(bindings)
    const count = bindings.length
    report(
      `added ${count} ACL${count === 1 ? '' : 's'}`,
      { added: count },
      { json: parsed.has('json') },
    )
    return 0
  },
}

const filterOptions = {
  ...connectionOptions,
  ...resourceOptions,
  ...ruleOptions,
  principal: { value: 'PRINCIPAL', help: 'only ACLs of this principal' },
} satisfies Options

function filtersOf(parsed: ParsedOptions): AclFilter[] {
  const host = parsed.value('host')
  const principal = parsed.value('principal')
  const filter: AclFilter = {
    ...resourceOf(parsed),
    ...(host === undefined ? {} : { host }),
    ...(principal === undefined ? {} : { principal }),
  }
  const wanted = operationsOf(parsed)
  return wanted.length === 0 ? [filter] : wanted.map((operation) => ({ ...filter, operation }))
}

function row(acl: Required<AclBinding>) {
  const { resourceType, resourceName, patternType, principal, host, operation, permission } = acl
  const resource = `${resourceType}:${resourceName}${patternType === 'prefixed' ? '*' : ''}`
  return { permission, principal, host, operation, resource }
}

const list: Command = {
  name: 'list',
  summary: 'lists ACLs',
  options: filterOptions,
  async run(parsed) {
    const filters = filtersOf(parsed)
    await using admin = openAdmin(parsed)
    const found = await Promise.all(filters.map((filter) => admin.describeAcls(filter)))
    printRows(found.flat().map(row), { json: parsed.has('json') })
    return 0
  },
}

const remove: Command = {
  name: 'delete',
  summary: 'deletes ACLs, and prints them',
  options: { ...filterOptions, all: { help: 'all ACLs, if no filter is given' } },
  async run(parsed) {
    const filters = filtersOf(parsed)
    const isOpen = filters.every((filter) => Object.keys(filter).length === 0)
    if (isOpen && !parsed.has('all')) {
      throw new UsageError('expected a filter, as --topic NAME or --principal PRINCIPAL, or --all')
    }
    await using admin = openAdmin(parsed)
    const deleted = await admin.deleteAcls(filters)
    printRows(deleted.map(row), { json: parsed.has('json') })
    return 0
  },
}

/** `millrace acl …` */
export const acl: Command = {
  name: 'acl',
  summary: 'lists, adds and deletes ACLs',
  subcommands: [list, add, remove],
}
