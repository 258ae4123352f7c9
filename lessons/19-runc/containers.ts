// What the checks of this lesson look at: the bundle, the processes that have its files as their root, and what runc notes
// about its containers.
import { readNamespaces } from '../../toolkit/observe/namespaces.ts'
import { type Process, readProcess } from '../../toolkit/observe/process.ts'
import { readUts } from '../../toolkit/observe/uts.ts'
import type { Scene } from '../lesson.ts'
import { find, findEntry, inhabitants, isFound, labProcesses, readText } from '../look.ts'

export const BUNDLE = '/lab/bundle'
export const ROOTFS = `${BUNDLE}/rootfs`
const CONFIG = `${BUNDLE}/config.json`

/** What the bundle lacks; undefined where it is complete. */
export function lacking(scene: Scene): string | undefined {
  if (!findEntry(scene, BUNDLE)?.isDirectory()) return `there is no directory ${BUNDLE} yet`
  if (!findEntry(scene, ROOTFS)?.isDirectory()) return `${BUNDLE} has no directory rootfs`
  if (!isFound(find(scene, '/bin/sh', ROOTFS)))
    return findEntry(scene, `${ROOTFS}/box`)
      ? `${ROOTFS} has a directory box in it: its root should be what is in box`
      : `${ROOTFS} has no program /bin/sh`
  if (!findEntry(scene, CONFIG)) return `${BUNDLE} has its files, but no config.json`
  return undefined
}

/** A process whose root is the bundle’s. */
export interface Contained extends Process {
  readonly hostname: string | undefined
  /** The namespaces of the lab that it is still in, of those that the sample lists. */
  readonly shared: readonly string[]
  /** Of runc itself: it has made everything, and waits for the word to start the program. */
  readonly waits: boolean
}

const WANTED = ['pid', 'net', 'ipc', 'uts', 'mnt'] as const

export function contained(scene: Scene): Contained[] {
  const lab = readNamespaces(scene.lab.pid)
  return inhabitants(scene, ROOTFS).flatMap(({ pid }) => {
    const process = readProcess(pid)
    const own = readNamespaces(pid)
    if (!process || !own) return []
    const shared = WANTED.filter(type => own[type].inode === lab?.[type].inode)
    const waits = /(^|\/)runc init$/.test(process.argv.join(' '))
    return [{ ...process, hostname: readUts(pid)?.hostname, shared, waits }]
  })
}

/** Whether it is the program `sleep SECONDS`, under whatever path. */
export const isSleep = ({ argv }: Pick<Process, 'argv'>, seconds: string | undefined): boolean =>
  argv.length === 2 && /(^|\/)sleep$/.test(argv[0]!) && argv[1] === seconds

export interface Noted {
  /** The first process of the container; undefined where it has ended. */
  readonly process: Process | undefined
  /** The fifo that it waits at is still there: nobody has given the word. */
  readonly fifo: boolean
}

/** What runc notes about a container in /run/runc, compared with the processes that are there; undefined: nothing. */
export function noted(scene: Scene, id: string): Noted | undefined {
  const directory = `/run/runc/${id}`
  const state = parse(readText(scene, `${directory}/state.json`))
  if (!state) return undefined
  const depth = (readProcess(scene.lab.pid)?.nsPid.length ?? 1) - 1
  const process = labProcesses(scene)
    .flatMap(({ pid }) => readProcess(pid) ?? [])
    .find(({ nsPid, startTime }) => nsPid[depth] === state.init_process_pid && startTime === state.init_process_start)
  return { process, fifo: findEntry(scene, `${directory}/exec.fifo`)?.isFIFO() === true }
}

function parse(text: string | undefined): { init_process_pid?: unknown; init_process_start?: unknown } | undefined {
  try {
    const state: unknown = JSON.parse(text ?? '')
    return typeof state === 'object' && state !== null ? state : undefined
  } catch {
    return undefined // none yet, or half written
  }
}
