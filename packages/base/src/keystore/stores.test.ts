// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { decryptRc2 } from './rc2.ts'
import { certificatesOf, identityOf } from './stores.ts'

// testdata/: one key and one authority, in files that keytool of Java 17, keytool with the ciphers
// of Java 8 (`legacy`, with fewer iterations) and OpenSSL 3 wrote.
const file = (name: string): Buffer => readFileSync(join(import.meta.dirname, 'testdata', name))

describe('key stores', () => {
  const expected = identityOf(file('key.pem'), { store: undefined })
  const keyOf = (pem: string): Buffer =>
    createPrivateKey(pem).export({ format: 'der', type: 'pkcs8' })

  for (const name of ['key.jks', 'key.p12', 'key-legacy.p12', 'key-openssl.p12']) {
    it(`${name}: the key and its chain`, () => {
      const { key, cert } = identityOf(file(name), { store: 'changeit' })
      assert.deepEqual(keyOf(key), keyOf(expected.key))
      const subjects = cert
        .split(/(?<=-----END CERTIFICATE-----\n)/)
        .map((pem) => new X509Certificate(pem).subject)
      assert.deepEqual(subjects, ['CN=localhost', 'CN=test-ca'])
      assert.throws(() => identityOf(file(name), { store: 'wrong' }), /password is wrong/)
      assert.throws(() => identityOf(file(name).subarray(0, -30), { store: 'changeit' }), Error)
    })
  }

  for (const name of ['trust.jks', 'trust.p12', 'trust-legacy.p12', 'trust.pem']) {
    it(`${name}: the trusted certificates`, () => {
      const [pem, ...others] = certificatesOf(file(name), 'changeit')
      assert.equal(new X509Certificate(pem as string).subject, 'CN=test-ca')
      assert.deepEqual(others, [])
      assert.throws(() => identityOf(file(name), { store: 'changeit' }), /no private key/)
    })
  }

  it('are not checked without a password, as in Java', () => {
    assert.equal(certificatesOf(file('trust.jks'), undefined).length, 1)
  })

  it('of other kinds are refused', () => {
    for (const bytes of [Buffer.alloc(0), Buffer.from('nonsense'), Buffer.alloc(1000, 0x30)]) {
      assert.throws(() => certificatesOf(bytes, 'x'), /not a JKS, JCEKS, PKCS12 or PEM file/)
    }
  })
})

describe('RC2', () => {
  it('decrypts what RFC 2268 encrypts', () => {
    // Section 5: key, effective bits, plaintext and ciphertext of one block; the block is no
    // padding.
    const vectors = [
      ['88', 64, '0000000000000000', '61a8a244adacccf0'],
      ['88bca90e90875a', 64, '0000000000000000', '6ccf4308974c267f'],
      ['88bca90e90875a7f0f79c384627bafb2', 64, '0000000000000000', '1a807d272bbe5db1'],
      ['88bca90e90875a7f0f79c384627bafb2', 128, '0000000000000000', '2269552ab0f85ca6'],
      ['ffffffffffffffff', 64, 'ffffffffffffffff', '278b27e42e2f0d49'],
    ] as const
    const padding = Buffer.alloc(8, 8)
    for (const [key, bits, plain, block] of vectors) {
      // An initial value that turns the first block into padding.
      const iv = Buffer.from(plain, 'hex').map((byte, i) => byte ^ (padding[i] as number))
      const decrypted = decryptRc2(
        Buffer.from(key, 'hex'),
        bits,
        Buffer.from(iv),
        Buffer.from(block, 'hex'),
      )
      assert.equal(decrypted.length, 0, key)
    }
  })
})
