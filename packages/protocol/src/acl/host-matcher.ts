// SPDX-License-Identifier: Apache-2.0
import { BlockList, isIP } from 'node:net'

/** Whether a client's address, in the format of `hostText`, matches the host of an ACL. */
export type HostMatcher = (host: string) => boolean

const everyHost: HostMatcher = () => true
const noHost: HostMatcher = () => false

/**
 * Parses the host of an ACL: `*`, an address, or a range in CIDR notation (since 4.4). As in Kafka,
 * an address is compared as text: an ACL for `::1` never matches, one for `0:0:0:0:0:0:0:1` does.
 */
export function hostMatcher(host: string): HostMatcher {
  if (host === '*') return everyHost
  if (!host.includes('/')) return (client) => client === host
  if (cidrProblem(host) !== undefined) return noHost
  const [address = '', bits] = host.split('/', 2)
  const range = new BlockList()
  range.addSubnet(address, Number(bits), isIP(address) === 4 ? 'ipv4' : 'ipv6')
  return (client) => {
    const family = isIP(client)
    return family !== 0 && range.check(client, family === 4 ? 'ipv4' : 'ipv6')
  }
}

/** The error of a host in CIDR notation, in Kafka's words; undefined if it is valid. */
export function cidrProblem(host: string): string | undefined {
  if (!host.includes('/')) return undefined
  const [address = '', bits = '', more] = host.split('/')
  const family = isIP(address)
  const limit = family === 6 ? 128 : 32
  if (family === 0 || more !== undefined || !/^\d+$/.test(bits)) {
    return `Invalid CIDR notation '${host}': Could not parse [${host}]`
  }
  if (Number(bits) <= limit) return undefined
  const problem =
    family === 6
      ? `Could not parse [${host}] - prefix length must be between 0 and 128`
      : `Value [${bits}] not in range [0,32]`
  return `Invalid CIDR notation '${host}': ${problem}`
}

/**
 * The address of a client as Java formats it, which ACLs contain: IPv4-mapped addresses as IPv4,
 * IPv6 in eight groups without abbreviation.
 */
export function hostText(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '')
  if (isIP(plain) !== 6) return plain
  // The URL parser converts a dotted suffix to groups.
  const text = new URL(`http://[${plain}]`).hostname.slice(1, -1)
  const [head = '', tail] = text.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : 8 - left.length - right.length
  return [...left, ...Array<string>(zeros).fill('0'), ...right].join(':')
}
