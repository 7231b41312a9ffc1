// SPDX-License-Identifier: Apache-2.0
import { DescribeAclsRequest, DescribeAclsResponse, ErrorCode } from '@millrace/protocol'
import { findAcls } from '../metadata/security/acls.ts'
import { defineHandler } from './handler.ts'
import { attempt } from './outcome.ts'
import { throwIfNoAuthorizer } from './request-checks.ts'

/** DescribeAcls (key 29): access control lists by filter. */
export const describeAcls = defineHandler(
  DescribeAclsRequest,
  DescribeAclsResponse,
  (request, context) =>
    attempt(
      context,
      () => {
        throwIfNoAuthorizer(context)
        context.access.requireClusterByName()
        const found = findAcls(context.broker.metadata.image.acls(), request)
        const byResource = Map.groupBy(found, ({ resourceType, resourceName, patternType }) =>
          JSON.stringify([resourceType, resourceName, patternType]),
        )
        return {
          throttleTimeMs: 0,
          errorCode: ErrorCode.NONE,
          // Kafka has an empty text for success.
          errorMessage: '',
          resources: [...byResource.values()].map((acls) => ({
            resourceType: acls[0]?.resourceType ?? 0,
            resourceName: acls[0]?.resourceName ?? '',
            patternType: acls[0]?.patternType ?? 0,
            acls: acls.map(({ principal, host, operation, permissionType }) => ({
              principal,
              host,
              operation,
              permissionType,
            })),
          })),
        }
      },
      ({ errorCode, message }) => ({
        throttleTimeMs: 0,
        errorCode: errorCode,
        errorMessage: message,
        resources: [],
      }),
    ),
)
