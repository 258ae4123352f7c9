// The files below /etc of a container that runs, as its networks change: the engine writes them in place, because they are
// what is mounted there (etc.ts).
import { readFileSync, writeFileSync } from 'node:fs'
import type { Action } from '../kernel/action.ts'
import { resolvText } from './etc.ts'
import type { Lease } from './network/lease.ts'
import type { RunOptions } from './options.ts'

export function hostnameIn(directory: string, id: string): string {
  try {
    return readFileSync(`${directory}/hostname`, 'utf8').trim()
  } catch {
    return id.slice(0, 12)
  }
}

/** Changes lines of a file that the container sees in its /etc: in place, because it is the file that is mounted there. */
function edit(path: string, make: (text: string) => string): void {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    return // a file of the user's is mounted there
  }
  writeFileSync(path, make(text))
}

/** Changes the lines of /etc/hosts that are about an address. */
export const hostsAction = (
  directory: string,
  { address }: Lease,
  make: (lines: readonly string[]) => readonly string[],
): Action => ({
  text: `write("${directory}/hosts"): the line for ${address}`,
  why: 'the container’s own name is to mean its addresses, and no address that it has not',
  lesson: '16-names',
  shell: '',
  apply: () => edit(`${directory}/hosts`, text => `${make(text.trimEnd().split('\n')).join('\n')}\n`),
})

/** Where the container has not changed the file itself. */
export const resolverAction = (directory: string, { network: { names } }: RunOptions): Action => ({
  text: `write("${directory}/resolv.conf"): our name server`,
  why: 'who is in a network with names asks its name server from now on',
  lesson: '16-names',
  shell: '',
  apply: () =>
    edit(`${directory}/resolv.conf`, text =>
      text === resolvText('bridge', names) ? resolvText('named', names) : text,
    ),
})
