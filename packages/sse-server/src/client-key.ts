import type { SseRequest } from './exchange.js'

/**
 * The key under which a client's connections are counted: its socket's address, an IPv6 one by its /64 network, since that is what one
 * customer is given. Headers of proxies are not believed. `undefined` where the host gives no address, as with a fetch-style Request.
 */
export function clientKeyOf(request: SseRequest): string | undefined {
  return 'socket' in request ? addressKey(request.socket?.remoteAddress) : undefined
}

/** The key of one address. */
export function addressKey(address: string | undefined): string | undefined {
  if (address === undefined || !address.includes(':')) return address
  // An IPv4 client of a dual-stack socket: ::ffff:192.0.2.1
  if (address.includes('.')) return address.slice(address.lastIndexOf(':') + 1)
  const [before = '', after = ''] = (address.split('%')[0] ?? '').toLowerCase().split('::')
  const head = before === '' ? [] : before.split(':')
  const tail = after === '' ? [] : after.split(':')
  const groups = address.includes('::')
    ? [...head, ...Array<string>(Math.max(0, 8 - head.length - tail.length)).fill('0'), ...tail]
    : head
  return `${groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')}::/64`
}
