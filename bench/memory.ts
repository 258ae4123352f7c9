// What the processes that look after containers have of the machine's memory.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** kB, proc_pid_smaps(5): what is its own, and that plus its share of what it shares with others. */
export interface Memory {
  readonly own: number
  readonly pss: number
}

export function memoryOf(pid: number): Memory {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
  const kB = (name: string) => Number(new RegExp(`^${name}: +(\\d+) kB`, 'm').exec(text)?.[1] ?? 0)
  return { own: kB('Private_Clean') + kB('Private_Dirty'), pss: kB('Pss') }
}

/** The parent, field 4 of /proc/PID/stat. */
export function parentOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
}

/** The open files of a process; none where it has ended. */
export function openFiles(pid: number | string): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap(fd => {
      try {
        return [readlinkSync(`/proc/${pid}/fd/${fd}`)]
      } catch {
        return []
      }
    })
  } catch {
    return []
  }
}

/** All processes that have a file of this directory open. */
export const holdersOf = (directory: string): number[] =>
  readdirSync('/proc')
    .filter(name => /^\d+$/.test(name) && openFiles(name).some(path => path.startsWith(`${directory}/`)))
    .map(Number)

export function sumOf(pids: readonly number[]): Memory {
  const all = pids.map(memoryOf)
  const sum = (key: keyof Memory) => all.reduce((total, each) => total + each[key], 0)
  return { own: sum('own'), pss: sum('pss') }
}
