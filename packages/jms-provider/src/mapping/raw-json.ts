// SPDX-License-Identifier: Apache-2.0

/** `JSON.rawJSON` of ES2026, which every Node has that runs this. */
const json = JSON as typeof JSON & { readonly rawJSON: (text: string) => unknown }

/** A whole number for `JSON.stringify`, with all its digits. */
export function rawNumber(value: bigint): unknown {
  return json.rawJSON(String(value))
}
