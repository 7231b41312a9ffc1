// SPDX-License-Identifier: Apache-2.0
import {
  ErrorCode,
  FindCoordinatorRequest,
  FindCoordinatorResponse,
  ProtocolError,
} from '@millrace/protocol'
import { defineHandler, type RequestContext } from './handler.ts'
import { attempt, textUnlessDenied } from './outcome.ts'

const GROUP = 0
const TRANSACTION = 1
const SHARE = 2

/** FindCoordinator (key 10): this node coordinates every group. v4 accepts several keys. */
export const findCoordinator = defineHandler(
  FindCoordinatorRequest,
  FindCoordinatorResponse,
  async (request, context) => {
    if (context.version < 4) {
      const { key: _key, ...answer } = await find(request.key, request.keyType, context)
      return answer
    }
    return {
      coordinators: await Promise.all(
        request.coordinatorKeys.map((key) => find(key, request.keyType, context)),
      ),
    }
  },
)

/** `group:topicId:partition`. */
function isShareKey(key: string): boolean {
  return /^.+:[\w-]{22}:\d+$/.test(key)
}

function coordinatorOf(keyType: number, broker: RequestContext['broker']) {
  if (keyType === GROUP) return broker.groups
  return keyType === TRANSACTION ? broker.transactions : broker.shareStates
}

function requireKey(key: string, keyType: number, { access }: RequestContext): void {
  if (keyType === GROUP) access.requireGroup(key)
  else if (keyType === TRANSACTION) access.requireTransactionalId(key)
  else access.requireCluster()
}

async function find(key: string, keyType: number, context: RequestContext) {
  const { broker, endpoint } = context
  const nowhere = { key, nodeId: -1, host: '', port: -1 }
  if (keyType !== GROUP && keyType !== TRANSACTION && keyType !== SHARE) {
    return {
      ...nowhere,
      errorCode: ErrorCode.INVALID_REQUEST,
      errorMessage: `unknown coordinator type ${keyType}`,
    }
  }
  return attempt(
    context,
    async () => {
      requireKey(key, keyType, context)
      if (keyType === SHARE && !isShareKey(key)) {
        throw new ProtocolError('INVALID_REQUEST', `invalid share partition key ${key}`)
      }
      await coordinatorOf(keyType, broker).ensureTopic()
      return {
        key,
        nodeId: broker.nodeId,
        host: endpoint.host,
        port: endpoint.port,
        errorCode: ErrorCode.NONE,
        errorMessage: null,
      }
    },
    (error) => ({
      ...nowhere,
      errorCode: error.errorCode,
      errorMessage:
        context.version >= 4 && keyType !== SHARE ? textUnlessDenied(error) : error.message,
    }),
  )
}
