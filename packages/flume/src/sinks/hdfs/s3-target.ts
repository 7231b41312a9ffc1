// SPDX-License-Identifier: Apache-2.0
import type { S3Target } from '../s3/s3-store.ts'
import type { HadoopConfiguration } from './hadoop-configuration.ts'

/** Names of the credentials in Hadoop's older file systems. */
const KEY_NAMES = { id: 'awsAccessKeyId', secret: 'awsSecretAccessKey' } as const

/**
 * Bucket, service and credentials of `s3a://BUCKET/PATH` from Hadoop's settings. Those of a bucket
 * (`fs.s3a.bucket.NAME.*`) override the general ones (`fs.s3a.*`); without any, the AWS_*
 * environment variables are used.
 */
export function s3Target(
  location: { readonly scheme: string; readonly bucket: string; readonly userInfo: string },
  hadoop: HadoopConfiguration,
): S3Target {
  const { scheme, bucket, userInfo } = location
  const setting = (name: string): string | undefined =>
    hadoop.get(`fs.s3a.bucket.${bucket}.${name}`) ?? hadoop.get(`fs.s3a.${name}`)
  const old = (name: string): string | undefined => hadoop.get(`fs.${scheme}.${name}`)
  const [userId, userSecret] = userInfo === '' ? [] : userInfo.split(':').map(decodeURIComponent)
  const host = setting('endpoint')?.trim()
  const isPlain = setting('connection.ssl.enabled')?.trim() === 'false'
  const endpoint =
    host === undefined || host === '' || /^https?:/.test(host)
      ? host || undefined
      : `${isPlain ? 'http' : 'https'}://${host}`
  return {
    bucket,
    endpoint,
    region: setting('endpoint.region') ?? regionOf(endpoint),
    accessKeyId: userId ?? setting('access.key') ?? old(KEY_NAMES.id),
    secretAccessKey: userSecret ?? setting('secret.key') ?? old(KEY_NAMES.secret),
    sessionToken: setting('session.token'),
  }
}

/** Region in the host name of an AWS endpoint. */
function regionOf(endpoint: string | undefined): string | undefined {
  return /\/\/s3[.-]([a-z]{2}-[a-z-]+-\d)\.amazonaws\.com/.exec(endpoint ?? '')?.[1]
}
