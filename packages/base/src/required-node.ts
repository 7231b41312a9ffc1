// SPDX-License-Identifier: Apache-2.0

/** Oldest major version of Node that the packages run on. */
const REQUIRED_MAJOR = 24

/**
 * The error message for a Node that is too old, or undefined if `version` (such as `v26.1.0`) is
 * supported.
 */
export function unsupportedNode(version: string): string | undefined {
  const major = Number(/^v?(\d+)\./.exec(version)?.[1])
  if (major >= REQUIRED_MAJOR) return undefined
  return `millrace requires Node ${REQUIRED_MAJOR} or newer; this is ${version}`
}

// Every package imports this module, so that an old Node fails here with a clear message.
const problem = unsupportedNode(process.version)
if (problem !== undefined) throw new Error(problem)
