// Names and addresses of network links. The kernel takes 15 bytes for a name, and only some characters; so what people
// call their containers and networks never becomes one: `hashName` makes one of it.
import { ip4 } from './netlink-message.ts'
import { UsageError } from './usage-error.ts'

const LONGEST = 15 // IFNAMSIZ less the NUL
const FNV_START = 0xcbf29ce484222325n
const FNV_PRIME = 0x100000001b3n

/**
 * The name, where it can be one of a link. Throws a UsageError otherwise: longer than 15 bytes, `.` or `..` (links are
 * directories in /sys and /proc/sys), a slash, colon, percent sign (a pattern for the kernel: eth%d), a space, what is
 * not ASCII, or a dash in front, which ip(8) would take for an option.
 */
export function checkLinkName(name: string): string {
  if (!/^[!-~]+$/.test(name) || /^-|[/:%]/.test(name) || name.length > LONGEST || name === '.' || name === '..')
    throw new UsageError(
      `no name for a network link: ${JSON.stringify(name)} (1 to ${LONGEST} ASCII characters but no space, / : %, no - in front)`,
    )
  return name
}

/**
 * A link's name made of any text: veth and 7 hexadecimal digits. The same text gives the same name; the digits are
 * the last of the text's 64-bit FNV-1a hash, which is no secret and no protection from who wants a clash.
 */
export function hashName(prefix: string, text: string, digits = 7): string {
  let hash = FNV_START
  for (const byte of Buffer.from(text)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * FNV_PRIME)
  return checkLinkName(prefix + hash.toString(16).padStart(16, '0').slice(-digits))
}

/** A MAC address as 6 bytes. Throws a UsageError. */
export function parseMac(text: string): Buffer {
  if (!/^[\da-f]{2}(:[\da-f]{2}){5}$/i.test(text))
    throw new UsageError(`no MAC address: ${JSON.stringify(text)} (like 02:42:ac:11:00:02)`)
  return Buffer.from(text.replaceAll(':', ''), 'hex')
}

export const formatMac = (bytes: Buffer): string => bytes.toString('hex').replace(/..(?=.)/g, '$&:')

/**
 * The MAC address that goes with an IPv4 address: 02:42:ac:11:00:02 with 172.17.0.2. The 02 says "given by hand". So
 * who gets an address again answers with the MAC that the neighbours remember for it.
 */
export const macOfIp4 = (address: string): string => formatMac(Buffer.from([0x02, 0x42, ...ip4(address)]))
