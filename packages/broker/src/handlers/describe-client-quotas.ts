// SPDX-License-Identifier: Apache-2.0
import {
  DescribeClientQuotasRequest,
  DescribeClientQuotasResponse,
  ErrorCode,
} from '@millrace/protocol'
import { findQuotas } from '../metadata/security/client-quotas.ts'
import { defineHandler } from './handler.ts'
import { attempt, textUnlessDenied } from './outcome.ts'

/** DescribeClientQuotas (key 48): quotas of users, clients and addresses (KIP-546). */
export const describeClientQuotas = defineHandler(
  DescribeClientQuotasRequest,
  DescribeClientQuotasResponse,
  (request, context) =>
    attempt(
      context,
      () => {
        context.access.requireCluster()
        return {
          throttleTimeMs: 0,
          errorCode: ErrorCode.NONE,
          errorMessage: null,
          entries: findQuotas(context.broker.metadata.image.quotas(), request).map(
            ({ entity, quotas }) => ({
              entity,
              values: [...quotas].map(([key, value]) => ({ key, value })),
            }),
          ),
        }
      },
      (error) => ({
        throttleTimeMs: 0,
        errorCode: error.errorCode,
        errorMessage: textUnlessDenied(error),
        entries: null,
      }),
    ),
)
