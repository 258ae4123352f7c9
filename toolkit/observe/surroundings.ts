// What this machine is itself: a container, Windows' Linux, or neither. No system call tells; these are the marks that
// their makers leave: systemd's "Container Interface", WSL's name of its kernel.
import { existsSync } from 'node:fs'
import { readLink, readText } from './read.ts'

export type Surroundings =
  /** `engine`: docker, podman, lxc, systemd-nspawn, or as it calls itself. */
  | { readonly kind: 'container'; readonly engine: string }
  /** 1 translates system calls and has no namespaces; 2 is a virtual machine with a kernel of Microsoft's. */
  | { readonly kind: 'wsl'; readonly version: 1 | 2 }
  | { readonly kind: 'machine' }

/** PID 1 has the variable `container` from who has started it; only root may read that. */
const ofInit = (root: string): string | undefined =>
  readText(`${root}/proc/1/environ`)
    ?.split('\0')
    .find(entry => entry.startsWith('container='))
    ?.slice('container='.length)

/** The kernel's first namespaces of each type, which no container is in: PROC_*_INIT_INO in linux/proc_ns.h. */
const FIRST = { pid: 4026531836, uts: 4026531838, ipc: 4026531839 }

/** A mark alone is not enough: an image that has been made into a virtual machine keeps the one of docker. */
const isConfined = (root: string): boolean =>
  Object.entries(FIRST).some(([type, first]) => readLink(`${root}/proc/self/ns/${type}`) !== `${type}:[${first}]`)

/** `root` is where the files of the machine are, for tests. */
export function readSurroundings(root = ''): Surroundings {
  const engine =
    readText(`${root}/run/systemd/container`)?.trim() || // as systemd has found it at its start, for all to read
    (existsSync(`${root}/run/.containerenv`) && 'podman') ||
    ofInit(root) ||
    (existsSync(`${root}/.dockerenv`) && 'docker') // last: it is in the image, and the others are as of now
  // systemd counts WSL among the containers
  if (engine && engine !== 'wsl' && isConfined(root)) return { kind: 'container', engine }
  const release = readText(`${root}/proc/sys/kernel/osrelease`) ?? ''
  if (!/microsoft/i.test(release)) return { kind: 'machine' }
  return { kind: 'wsl', version: /WSL2|microsoft-standard/i.test(release) ? 2 : 1 }
}
