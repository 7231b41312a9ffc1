// SPDX-License-Identifier: Apache-2.0
export { Der } from './der.ts'
export { distinguishedName } from './distinguished-name.ts'
export { isJavaKeystore } from './java-keystore.ts'
export { isPkcs12 } from './pkcs12.ts'
export { PrincipalMapping } from './principal-mapping.ts'
export { type FileContents, Reloaded, type ReloadedOptions } from './reloaded.ts'
export { secretKeysOf } from './secret-keys.ts'
export {
  certificatesOf,
  type Identity,
  identityOf,
  isPem,
  type StorePasswords,
} from './stores.ts'
