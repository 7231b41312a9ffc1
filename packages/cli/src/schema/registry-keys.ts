// SPDX-License-Identifier: Apache-2.0

/** Whether a key of a Java client's properties is for the registry of its serializers. */
export function isRegistryKey(key: string): boolean {
  return /^(schema\.registry\.|basic\.auth\.|bearer\.auth\.)/.test(key)
}
