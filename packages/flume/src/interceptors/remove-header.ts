// SPDX-License-Identifier: Apache-2.0
import { defineInterceptor } from '../component.ts'
import { optionalText } from '../config/keys.ts'
import { optionalPattern, pattern } from '../regex/pattern-keys.ts'

export const removeHeader = defineInterceptor({
  type: 'remove_header',
  aliases: ['org.apache.flume.interceptor.RemoveHeaderInterceptor$Builder'],
  about: 'removes headers by name, list or pattern',
  keys: {
    withName: optionalText(),
    fromList: optionalText(),
    fromListSeparator: pattern('\\s*,\\s*'),
    matching: optionalPattern(),
  },
  create({ withName, fromList, fromListSeparator, matching }) {
    const listed = new Set(fromList === undefined ? [] : fromListSeparator.split(fromList))
    return {
      intercept(events) {
        for (const { headers } of events) {
          if (withName !== undefined) delete headers[withName]
          if (listed.size === 0 && matching === undefined) continue
          for (const name of Object.keys(headers)) {
            if (listed.has(name) || matching?.matchesInTime(name) === true) delete headers[name]
          }
        }
        return events
      },
    }
  },
})
