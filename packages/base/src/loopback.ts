// SPDX-License-Identifier: Apache-2.0

/** Whether only this machine reaches an address. A name other than localhost may be anything. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase()
  return (
    name === 'localhost' ||
    name.endsWith('.localhost') ||
    /^127(\.\d{1,3}){3}$/.test(name) ||
    /^(0{1,4}:){7}0{0,3}1$|^::1$/.test(name) ||
    /^::ffff:127(\.\d{1,3}){3}$/.test(name)
  )
}

/** Host of an HTTP `Host` header, without port and brackets. */
export function hostOfHeader(header: string): string {
  return header.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')
}
