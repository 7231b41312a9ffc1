// SPDX-License-Identifier: Apache-2.0
import type { Logger } from '@millrace/base'
import type { Acl, Action, Decision, Rule } from '@millrace/protocol'
import { AclOperation, PatternType, PermissionType, ResourceType } from '@millrace/protocol'
import type { ClientSession } from './client-session.ts'

/** One decision of the authorizer about a request. */
export interface AuditEvent {
  readonly session: ClientSession
  readonly clientId: string
  /** Name of the API. */
  readonly request: string
  readonly action: Action
  /** How often the request names the resource. */
  readonly count: number
  readonly decision: Decision
}

/** Where decisions are logged. */
export interface AuditLog {
  /** Whether allowed actions are logged, too. */
  readonly logsAllowed: boolean
  log(event: AuditEvent): void
  /** Writes what has not been written yet. */
  close?(): void
}

const operationNames = namesOf(AclOperation)
const permissionNames = namesOf(PermissionType)
const patternNames = namesOf(PatternType)
const resourceNames = namesOf(ResourceType)

function namesOf(codes: Readonly<Record<string, number>>): ReadonlyMap<number, string> {
  return new Map(Object.entries(codes).map(([name, code]) => [code, name]))
}

/** `TRANSACTIONAL_ID` in the format of Kafka's authorizer log: `TransactionalId`. */
function resourceTypeText(type: number): string {
  const name = resourceNames.get(type) ?? String(type)
  return name
    .split('_')
    .map((word) => `${word[0] ?? ''}${word.slice(1).toLowerCase()}`)
    .join('')
}

/** Name of an operation, `DESCRIBE_CONFIGS`. */
export function operationName(operation: number): string {
  return operationNames.get(operation) ?? String(operation)
}

/** `Topic:LITERAL:orders`. */
export function resourceText(action: Pick<Action, 'resourceType' | 'resourceName'>): string {
  return `${resourceTypeText(action.resourceType)}:LITERAL:${action.resourceName}`
}

function aclText(acl: Acl): string {
  const resource = [
    `resourceType=${resourceNames.get(acl.resourceType) ?? acl.resourceType}`,
    `name='${acl.resourceName}'`,
    `patternType=${patternNames.get(acl.patternType) ?? acl.patternType}`,
  ].join(', ')
  return [
    `StandardAcl(${resource}`,
    `principal='${acl.principal}'`,
    `host='${acl.host}'`,
    `operation=${operationName(acl.operation)}`,
    `permissionType=${permissionNames.get(acl.permissionType) ?? acl.permissionType})`,
  ].join(', ')
}

function ruleText(rule: Rule): string {
  return rule.kind === 'MatchingAcl' ? `MatchingAcl(acl=${aclText(rule.acl)})` : rule.kind
}

/** The line of `kafka.authorizer.logger`. */
export function auditLine({ session, request, action, count, decision }: AuditEvent): string {
  return [
    `Principal = ${session.principal} is ${decision.isAllowed ? 'Allowed' : 'Denied'}`,
    `operation = ${operationName(action.operation)} from host = ${session.host}`,
    `on resource = ${resourceText(action)}`,
    `for request = ${request} with resourceRefCount = ${count}`,
    `based on rule ${ruleText(decision.rule)}`,
  ].join(' ')
}

/** One line of JSON about a decision, without its newline. */
export function auditJson(event: AuditEvent, nowMs: number): string {
  const { session, action, decision } = event
  return JSON.stringify({
    time: new Date(nowMs).toISOString(),
    principal: session.principal,
    host: session.host,
    listener: session.listenerName,
    clientId: event.clientId,
    request: event.request,
    operation: operationName(action.operation),
    resourceType: resourceNames.get(action.resourceType) ?? action.resourceType,
    resourceName: action.resourceName,
    count: event.count,
    outcome: decision.isAllowed ? 'Allowed' : 'Denied',
    rule: decision.rule.kind,
    ...(decision.rule.kind === 'MatchingAcl' ? { acl: aclText(decision.rule.acl) } : {}),
  })
}

/** Logs denied actions as info and, if configured, allowed ones as debug, in Kafka's format. */
export function loggedAudit(logger: Logger, options: { readonly logsAllowed: boolean }): AuditLog {
  return {
    ...options,
    log(event) {
      if (event.decision.isAllowed) logger.debug(auditLine(event))
      else logger.info(auditLine(event))
    },
  }
}

/** Passes decisions to several logs, each with its own choice of allowed actions. */
export function auditLogs(logs: readonly AuditLog[]): AuditLog {
  return {
    logsAllowed: logs.some(({ logsAllowed }) => logsAllowed),
    log(event) {
      for (const each of logs) {
        if (!event.decision.isAllowed || each.logsAllowed) each.log(event)
      }
    },
    close() {
      for (const each of logs) each.close?.()
    },
  }
}
