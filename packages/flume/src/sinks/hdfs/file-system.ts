// SPDX-License-Identifier: Apache-2.0

const SCHEME = /^([a-z][a-z0-9+.-]*):/i

/** File system of an HDFS sink. */
export type FileSystem =
  | { readonly kind: 'file' }
  | {
      readonly kind: 's3'
      readonly scheme: string
      readonly bucket: string
      readonly userInfo: string
    }
  /** `endpoint`: URL of WebHDFS. */
  | { readonly kind: 'hdfs'; readonly endpoint: string }

const WEB_HDFS_PORT = 9870

/**
 * The file system of the scheme of `hdfs.path`; without a scheme that of `fallback` (Hadoop's
 * fs.defaultFS), or the name node on localhost. Throws an `Error` for other schemes.
 */
export function fileSystemOf(path: string, fallback?: string): FileSystem {
  const scheme = SCHEME.exec(path)?.[1]?.toLowerCase()
  if (scheme === undefined) {
    return fallback === undefined || !SCHEME.test(fallback)
      ? { kind: 'hdfs', endpoint: `http://localhost:${WEB_HDFS_PORT}` }
      : fileSystemOf(fallback)
  }
  const authority = /^[^:]*:\/\/([^/]*)/.exec(path)?.[1] ?? ''
  switch (scheme) {
    case 'file':
      return { kind: 'file' }
    case 's3':
    case 's3a':
    case 's3n': {
      const at = authority.lastIndexOf('@')
      const bucket = authority.slice(at + 1)
      if (bucket === '') throw new Error(`names no bucket; expected ${scheme}://BUCKET/PATH`)
      return { kind: 's3', scheme, bucket, userInfo: authority.slice(0, Math.max(at, 0)) }
    }
    case 'hdfs': {
      // The port is that of Hadoop's RPC.
      const host = authority.replace(/:\d*$/, '') || 'localhost'
      return { kind: 'hdfs', endpoint: `http://${host}:${WEB_HDFS_PORT}` }
    }
    case 'webhdfs':
      return { kind: 'hdfs', endpoint: `http://${authority || `localhost:${WEB_HDFS_PORT}`}` }
    case 'swebhdfs':
      return { kind: 'hdfs', endpoint: `https://${authority || 'localhost:9871'}` }
    default:
      throw new Error(
        `is in ${scheme}:, which is not supported; expected hdfs:, webhdfs:, swebhdfs:, file:, s3a:, s3n: or s3:`,
      )
  }
}
