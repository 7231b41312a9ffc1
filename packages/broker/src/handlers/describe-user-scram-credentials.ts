// SPDX-License-Identifier: Apache-2.0
import {
  DescribeUserScramCredentialsRequest,
  DescribeUserScramCredentialsResponse,
  ErrorCode,
} from '@millrace/protocol'
import { defineHandler } from './handler.ts'

/**
 * DescribeUserScramCredentials (key 50): the mechanisms for which users have credentials, without
 * the keys (KIP-554).
 */
export const describeUserScramCredentials = defineHandler(
  DescribeUserScramCredentialsRequest,
  DescribeUserScramCredentialsResponse,
  (request, { broker, access }) => {
    if (!access.allowsCluster()) {
      const { errorCode } = access.denial('cluster')
      const refused = { errorCode, errorMessage: null, credentialInfos: [] }
      const results = (request.users ?? []).map(({ name }) => ({ user: name, ...refused }))
      return { throttleTimeMs: 0, errorCode, errorMessage: null, results }
    }
    const byUser = Map.groupBy(broker.metadata.image.scramCredentials(), ({ name }) => name)
    const asked = request.users?.map(({ name }) => name) ?? []
    const names = asked.length === 0 ? [...byUser.keys()] : asked
    return {
      throttleTimeMs: 0,
      errorCode: ErrorCode.NONE,
      errorMessage: null,
      results: [...new Set(names)].map((user) => {
        const credentials = byUser.get(user)
        if (names.filter((name) => name === user).length > 1) {
          return {
            user,
            errorCode: ErrorCode.DUPLICATE_RESOURCE,
            errorMessage:
              `Cannot describe SCRAM credentials for the same user twice in a single request: ${user}` as
                | string
                | null,
            credentialInfos: [],
          }
        }
        return {
          user,
          errorCode: credentials === undefined ? ErrorCode.RESOURCE_NOT_FOUND : ErrorCode.NONE,
          errorMessage:
            credentials === undefined
              ? `Attempt to describe a user credential that does not exist: ${user}`
              : null,
          credentialInfos: (credentials ?? []).map(({ mechanism, iterations }) => ({
            mechanism,
            iterations,
          })),
        }
      }),
    }
  },
)
