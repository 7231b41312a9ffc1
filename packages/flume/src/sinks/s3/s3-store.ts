// SPDX-License-Identifier: Apache-2.0
import { AwsClient } from 'aws4fetch'
import { DeliveryError, reasonOf } from '../../errors.ts'
import type { BucketStore } from '../bucketing/bucket-writer.ts'

/** A bucket, its service and the credentials. */
export interface S3Target {
  readonly bucket: string
  /** URL of an S3-compatible service. Default: AWS in `region`. */
  readonly endpoint?: string | undefined
  /** Default: AWS_REGION of the environment, or us-east-1. */
  readonly region?: string | undefined
  /** Default: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN of the environment. */
  readonly accessKeyId?: string | undefined
  readonly secretAccessKey?: string | undefined
  readonly sessionToken?: string | undefined
}

/**
 * Objects of a bucket, each uploaded when it is complete; batches stay in the channel until then.
 */
export function s3Store(
  target: S3Target & {
    /** 0: no limit. */
    readonly requestTimeoutMs: number
  },
): BucketStore {
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION } = process.env
  const region = target.region ?? AWS_REGION ?? 'us-east-1'
  const sessionToken =
    target.sessionToken ?? (target.accessKeyId === undefined ? AWS_SESSION_TOKEN : undefined)
  const client = new AwsClient({
    accessKeyId: target.accessKeyId ?? AWS_ACCESS_KEY_ID ?? '',
    secretAccessKey: target.secretAccessKey ?? AWS_SECRET_ACCESS_KEY ?? '',
    ...(sessionToken === undefined ? {} : { sessionToken }),
    service: 's3',
    region,
    // The sink runner retries.
    retries: 0,
  })
  const base = target.endpoint ?? `https://s3.${region}.amazonaws.com`
  return {
    isDurable: false,
    async open(path) {
      const parts: Buffer[] = []
      const key = path
        .replace(/^\w+:\/\/[^/]*/, '')
        .split('/')
        .filter((word) => word !== '')
        .map(encodeURIComponent)
        .join('/')
      const url = `${base.replace(/\/$/, '')}/${target.bucket}/${key}`
      return {
        async append(part) {
          parts.push(part)
        },
        async close() {
          if (parts.length === 0) return
          await put(client, url, Buffer.concat(parts), target.requestTimeoutMs)
        },
      }
    },
  }
}

async function put(client: AwsClient, url: string, body: Buffer, timeoutMs: number): Promise<void> {
  let response: Response
  try {
    response = await client.fetch(url, {
      method: 'PUT',
      body: new Uint8Array(body),
      ...(timeoutMs > 0 ? { signal: AbortSignal.timeout(timeoutMs) } : {}),
    })
  } catch (error) {
    throw new DeliveryError(`${url}: ${reasonOf((error as Error).cause ?? error)}`, error)
  }
  const text = await response.text()
  if (response.ok) return
  const code = /<Code>([^<]*)<\/Code>/.exec(text)?.[1] ?? ''
  const message = /<Message>([^<]*)<\/Message>/.exec(text)?.[1] ?? text.slice(0, 200)
  throw new DeliveryError(`${url}: ${response.status} ${code} ${message}`)
}
