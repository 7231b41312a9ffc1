// SPDX-License-Identifier: Apache-2.0
import type { MetadataImage } from '../../metadata/metadata-image.ts'
import type { ScramCredentials, ScramMechanismName } from './scram.ts'

const CODES: Readonly<Record<ScramMechanismName, number>> = {
  'SCRAM-SHA-256': 1,
  'SCRAM-SHA-512': 2,
}

/** SCRAM credentials of the cluster's metadata. */
export function storedCredentials(image: MetadataImage): ScramCredentials {
  return {
    ofUser(mechanism, name) {
      const stored = image.scramCredential(CODES[mechanism], name)
      if (stored === undefined) return undefined
      const { salt, iterations, storedKey, serverKey } = stored
      return { credential: { salt, iterations, storedKey, serverKey }, identity: { name } }
    },
    ofToken: () => undefined,
  }
}
