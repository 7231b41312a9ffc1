// SPDX-License-Identifier: Apache-2.0
import {
  AddRaftVoterRequest,
  AddRaftVoterResponse,
  ErrorCode,
  ProtocolError,
  RemoveRaftVoterRequest,
  RemoveRaftVoterResponse,
  UnregisterControllerRequest,
  UnregisterControllerResponse,
  ZERO_UUID,
} from '@millrace/protocol'
import { defineHandler, type RequestContext } from './handler.ts'
import { denialOf } from './outcome.ts'

/** A voter as requests name it. */
interface Voter {
  readonly clusterId: string | null
  readonly voterId: number
  readonly voterDirectoryId: string
}

/**
 * AddRaftVoter (key 80, KIP-853): this node is the only voter, and no other replicates its metadata
 * log, so none can be added.
 */
export const addRaftVoter = defineHandler(
  AddRaftVoterRequest,
  AddRaftVoterResponse,
  (request, context) =>
    outcome(context, () => {
      const { config, nodeId } = context.broker
      checkVoter(request, context)
      const [listener = ''] = config.string('controller.listener.names').split(',')
      if (!request.listeners.some(({ name }) => name === listener.trim())) {
        throw new ProtocolError(
          'INVALID_REQUEST',
          `voter ${request.voterId} has no endpoint for the listener ${listener.trim()}`,
        )
      }
      checkDynamicQuorum(context)
      if (request.voterId === nodeId) {
        throw new ProtocolError('DUPLICATE_VOTER', `node ${nodeId} is already a voter`)
      }
      throw new ProtocolError(
        'REQUEST_TIMED_OUT',
        `node ${request.voterId} does not replicate the metadata log of node ${nodeId}`,
      )
    }),
)

/** RemoveRaftVoter (key 81, KIP-853): the only voter cannot be removed. */
export const removeRaftVoter = defineHandler(
  RemoveRaftVoterRequest,
  RemoveRaftVoterResponse,
  (request, context) =>
    outcome(context, () => {
      checkVoter(request, context)
      checkDynamicQuorum(context)
      const { nodeId } = context.broker
      throw new ProtocolError(
        'VOTER_NOT_FOUND',
        request.voterId === nodeId
          ? `node ${nodeId} is the only voter and cannot be removed`
          : `node ${request.voterId} is not a voter; the only one is ${nodeId}`,
      )
    }),
)

/** UnregisterController (key 94): the only controller is active and cannot be removed. */
export const unregisterController = defineHandler(
  UnregisterControllerRequest,
  UnregisterControllerResponse,
  ({ controllerId }, context) =>
    outcome(context, () => {
      if (controllerId === context.broker.nodeId) {
        throw new ProtocolError('INVALID_REQUEST', `controller ${controllerId} is active`)
      }
      throw new ProtocolError(
        'CONTROLLER_ID_NOT_REGISTERED',
        `controller ${controllerId} is not registered`,
      )
    }),
)

function checkVoter({ clusterId, voterId, voterDirectoryId }: Voter, context: RequestContext) {
  const { broker } = context
  if (clusterId !== null && clusterId !== broker.clusterId) {
    throw new ProtocolError(
      'INCONSISTENT_CLUSTER_ID',
      `the request is for cluster ${clusterId}, this is ${broker.clusterId}`,
    )
  }
  if (voterId < 0 || voterDirectoryId === ZERO_UUID) {
    throw new ProtocolError('INVALID_REQUEST', 'a voter needs a node id and a directory id')
  }
}

/** A quorum of the configuration, `controller.quorum.voters`, cannot be changed by requests. */
function checkDynamicQuorum({ broker }: RequestContext): void {
  if (broker.metadata.kraftVersion > 0) return
  throw new ProtocolError('UNSUPPORTED_VERSION', 'the quorum is static: kraft.version is 0')
}

/** Runs a change for a client that may alter the cluster; every change is refused. */
function outcome({ access }: RequestContext, change: () => never) {
  const refusal = denialOf(() => {
    access.requireClusterByName()
    change()
  })
  return {
    throttleTimeMs: 0,
    errorCode: refusal?.errorCode ?? ErrorCode.NONE,
    errorMessage: refusal?.message ?? null,
  }
}
