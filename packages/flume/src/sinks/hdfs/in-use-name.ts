// SPDX-License-Identifier: Apache-2.0

/** Path of a file while it is written. */
export type InUseName = (path: string) => string

/** `hdfs.inUsePrefix` and `hdfs.inUseSuffix` around the last part of a path. */
export function inUseName(prefix: string, suffix: string): InUseName {
  return (path) => {
    const at = path.lastIndexOf('/') + 1
    return `${path.slice(0, at)}${prefix}${path.slice(at)}${suffix}`
  }
}
