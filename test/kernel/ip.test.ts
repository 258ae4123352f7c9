import { isIP, isIPv6 } from 'node:net'
import { expect, test } from 'vitest'
import { formatIpv4, formatSubnet, isIpv6, overlap, parseIpv4, parseSubnet } from '../../toolkit/kernel/ip.ts'

test.each(['0.0.0.0', '127.0.0.1', '255.255.255.255', '192.0.2.1'])('%s is read and written back', text => {
  expect(formatIpv4(parseIpv4(text)!)).toBe(text)
})

test.each(['', '1.2.3', '1.2.3.4.5', '256.0.0.1', '1.2.3.04', '0x1.2.3.4', ' 1.2.3.4', '1.2.3.4\n', '::1', '１.2.3.4'])(
  '%j is no IPv4 address, nor is it one to Node',
  text => {
    expect(parseIpv4(text)).toBeUndefined()
    expect(isIP(text)).not.toBe(4)
  },
)

test.each([
  ...['::', '::1', '1::', 'fe80::1', '2001:db8:0:1:2:3:4:5', '::ffff:192.0.2.1', '1:2:3:4:5:6:192.0.2.1', 'ABCD::ef'],
  ...['', ':', ':::', '1', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9', '1::2::3', '12345::', 'g::', '::192.0.2.256'],
  ...['::1\n', '1:2:3:4:5:6:7:192.0.2.1', '192.0.2.1', ':1:2:3:4:5:6:7', '1:2:3:4:5:6:7:', '192.0.2.1::'],
])('%j is an IPv6 address exactly where Node says so', text => {
  expect(isIpv6(text)).toBe(isIPv6(text))
})

test('a subnet is the range around any of its addresses', () => {
  expect(parseSubnet('172.17.3.4/16')).toEqual({ first: 0xac110000, last: 0xac11ffff, prefix: 16 })
  expect(formatSubnet(parseSubnet('192.0.2.77/26')!)).toBe('192.0.2.64/26')
  expect(parseSubnet('0.0.0.0/0')).toEqual({ first: 0, last: 0xffffffff, prefix: 0 })
  for (const text of ['10.0.0.0', '10.0.0.0/33', '10.0.0.0/-1', '10.0.0/8', 'fe80::/64', 'default'])
    expect(parseSubnet(text), text).toBeUndefined()
})

test('overlap: one in the other, not side by side', () => {
  const [wide, inside, beside] = ['10.0.0.0/8', '10.9.0.0/16', '11.0.0.0/8'].map(text => parseSubnet(text)!)
  expect([overlap(wide!, inside!), overlap(inside!, wide!), overlap(wide!, beside!)]).toEqual([true, true, false])
})
