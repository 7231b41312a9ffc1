// SPDX-License-Identifier: Apache-2.0
import { functionInterceptor } from './function-interceptor.ts'
import { hostInterceptor } from './host-interceptor.ts'
import { lineageInterceptor } from './lineage-interceptor.ts'
import { regexExtractor } from './regex-extractor.ts'
import { regexFilter } from './regex-filter.ts'
import { removeHeader } from './remove-header.ts'
import { searchReplace } from './search-replace.ts'
import { staticInterceptor } from './static-interceptor.ts'
import { thresholdInterceptor } from './threshold-interceptor.ts'
import { timestampInterceptor } from './timestamp-interceptor.ts'
import { uuidInterceptor } from './uuid-interceptor.ts'

export const interceptors = [
  timestampInterceptor,
  hostInterceptor,
  staticInterceptor,
  removeHeader,
  uuidInterceptor,
  searchReplace,
  regexFilter,
  regexExtractor,
  functionInterceptor,
  thresholdInterceptor,
  lineageInterceptor,
] as const
