// SPDX-License-Identifier: Apache-2.0

/** `JSON.rawJSON` of ES2026, available in all supported Node versions. */
const json = JSON as typeof JSON & { readonly rawJSON: (text: string) => unknown }

/** Wraps an integer so that `JSON.stringify` writes all of its digits. */
export function rawNumber(value: bigint): unknown {
  return json.rawJSON(String(value))
}
