// SPDX-License-Identifier: Apache-2.0
// Loaded before the tests of the nightly run: properties try twenty times as many inputs.
import fc from 'fast-check'

fc.configureGlobal({ numRuns: 2000 })
