// What to type where something is missing that a machine, a container and Windows' Linux each get in another way.
import { readSurroundings, type Surroundings } from '../observe/surroundings.ts'

let found: Surroundings | undefined
const here = (): Surroundings => (found ??= readSurroundings())

const debian = process.arch === 'arm64' ? 'arm64' : 'amd64'

/** For a container's own host: nothing that is typed in a container changes its kernel. */
const ON_ITS_HOST = '# on the host of this container:'

/** Gets a kernel that has all. */
export function newKernel(where = here()): string {
  if (where.kind === 'wsl')
    return where.version === 1 ? 'wsl.exe --set-version "$WSL_DISTRO_NAME" 2' : 'wsl.exe --update && wsl.exe --shutdown'
  const upgrade = `sudo apt-get install linux-image-${debian} && sudo reboot`
  return where.kind === 'container' ? `${ON_ITS_HOST} ${upgrade}` : upgrade
}

/** Puts words on the kernel command line; Debian and its kin read that from /etc/default/grub. */
export function bootWith(words: string, where = here()): string {
  if (where.kind === 'wsl')
    return `printf '[wsl2]\\nkernelCommandLine=${words}\\n' >> /mnt/c/Users/YOU/.wslconfig && wsl.exe --shutdown`
  const set = `echo 'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX ${words}"' | sudo tee -a /etc/default/grub && sudo update-grub && sudo reboot`
  return where.kind === 'container' ? `${ON_ITS_HOST} ${set}` : set
}

/** Loads modules of the kernel; a container has neither them nor the right. */
export const load = (modules: string, where = here()): string =>
  `${where.kind === 'container' ? `${ON_ITS_HOST} ` : ''}sudo modprobe ${modules}`

// The state lies outside of the container's own files: those are on an overlay, which cannot carry another.
const BY_ENGINE: Record<string, string> = {
  docker: 'docker run -it --privileged -v toolkit:/var/lib/toolkit …',
  podman: 'sudo podman run -it --privileged -v toolkit:/var/lib/toolkit …',
  lxc: 'sudo incus config set NAME security.privileged=true security.nesting=true && sudo incus restart NAME',
  'systemd-nspawn': 'sudo systemd-nspawn --capability=all --private-users=no --bind=/sys/fs/cgroup -bD …',
}

/** Gets root all its rights: started anew by who has taken them. */
export function moreRights(where = here()): string {
  if (where.kind !== 'container') return 'sudo toolkit …' // from outside of a user namespace, or of a service
  return BY_ENGINE[where.engine] ?? BY_ENGINE.docker!
}

/** What is typed on a machine; in a container it is its maker's to give. */
export const orMoreRights = (remedy: string, where = here()): string =>
  where.kind === 'container' ? moreRights(where) : remedy
