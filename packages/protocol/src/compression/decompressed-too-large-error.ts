// SPDX-License-Identifier: Apache-2.0
import { MalformedInputError } from '@millrace/base'

/** The data decompresses to more than the limit. */
export class DecompressedTooLargeError extends MalformedInputError {}
