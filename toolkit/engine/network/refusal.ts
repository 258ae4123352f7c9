// What the bridge network wants of the host, and what it says where that is not there.
import { KernelError } from '../../kernel/error.ts'
import { NetlinkError } from '../../kernel/netlink-error.ts'
import { type RequirementId, refuse } from '../host.ts'

/** What the kernel answers where a part of it is missing; the firewall also says so by ENOENT and EINVAL. */
const NOT_THERE = ['EOPNOTSUPP', 'EPROTONOSUPPORT', 'EAFNOSUPPORT']
const NO_FIREWALL = [...NOT_THERE, 'ENOENT', 'EINVAL']
const MAY_NOT = ['EPERM', 'EACCES', 'EROFS']

/** An error where the bridge network wanted this of the host, in the doctor's words. */
export const wantedOfHost = (id: RequirementId) => (error: unknown) => {
  const asked = 'run: --network bridge'
  const { code = '' } = error as NodeJS.ErrnoException
  if (id === 'ip-forward') return MAY_NOT.includes(code) ? refuse(id, { asked, detail: code }) : error
  if (!(error instanceof KernelError)) return error
  const detail = `${code} from ${error instanceof NetlinkError ? error.request.name : error.call}`
  if (MAY_NOT.includes(code)) return refuse('capabilities', { asked, detail: `not NET_ADMIN: ${detail}` })
  return (id === 'nftables' ? NO_FIREWALL : NOT_THERE).includes(code) ? refuse(id, { asked, detail }) : error
}
