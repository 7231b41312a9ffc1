// SPDX-License-Identifier: Apache-2.0
import { MalformedInputError } from '@millrace/base'

/** Data that decompresses to more than it may. */
export class DecompressedTooLargeError extends MalformedInputError {}
