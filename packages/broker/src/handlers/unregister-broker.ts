// SPDX-License-Identifier: Apache-2.0
import { ErrorCode, UnregisterBrokerRequest, UnregisterBrokerResponse } from '@millrace/protocol'
import { defineHandler } from './handler.ts'
import { denialOf } from './outcome.ts'

/** UnregisterBroker (key 64): the only broker cannot be removed (KIP-631). */
export const unregisterBroker = defineHandler(
  UnregisterBrokerRequest,
  UnregisterBrokerResponse,
  ({ brokerId }, { broker, access }) => {
    const denial = denialOf(() => access.requireClusterByName())
    if (denial !== undefined) {
      const { errorCode, message } = denial
      return { throttleTimeMs: 0, errorCode: errorCode, errorMessage: message }
    }
    return brokerId === broker.nodeId
      ? {
          throttleTimeMs: 0,
          errorCode: ErrorCode.INVALID_REQUEST,
          errorMessage: `Broker ${brokerId} is the only one, and at work.`,
        }
      : {
          throttleTimeMs: 0,
          errorCode: ErrorCode.BROKER_ID_NOT_REGISTERED,
          errorMessage: `Broker ID ${brokerId} is not currently registered`,
        }
  },
)
