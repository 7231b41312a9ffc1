// SPDX-License-Identifier: Apache-2.0
// Loaded before `npm run test:unit`, which runs with every change: properties try fewer inputs than
// in `npm test`. Their seeds differ from run to run.
import fc from 'fast-check'

fc.configureGlobal({ numRuns: 30 })
