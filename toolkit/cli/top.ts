import { closeSync } from 'node:fs'
import { holdProcess } from '../engine/life/lifecycle.ts'
import { findContainer } from '../engine/state/list.ts'
import { UsageError } from '../kernel/usage-error.ts'
import { processesIn } from '../observe/cgroups.ts'
import { readProcess } from '../observe/process.ts'
import { needContainer } from './each.ts'
import { type Command, mainOf } from './options.ts'
import { print } from './text/output.ts'
import { printableJson } from './text/printable.ts'
import { printTable } from './text/table.ts'

export const command: Command = {
  usage: 'top [OPTIONS] CONTAINER',
  summary: 'List the processes of a container, with the pids that they have on the host.',
  flags: { json: { help: 'as JSON' } },
  mixed: true,
}

export const main = mainOf(command, ({ flags, rest }, _argv) => {
  const word = needContainer('top', rest)
  const { state } = findContainer(word)
  const pidfd = holdProcess(state)
  if (pidfd === undefined) throw new UsageError(`container ${word} is not running`, 1)
  closeSync(pidfd)
  const pids = new Set([state!.pid!, ...(state!.resources?.cgroups ?? []).slice(0, 1).flatMap(processesIn)])
  const rows = [...pids]
    .sort((a, b) => a - b)
    .flatMap(pid => {
      const process = readProcess(pid)
      if (!process) return []
      const { uid, ppid, comm, argv } = process
      return [[String(uid), String(pid), String(ppid), argv.length > 0 ? argv.join(' ') : `[${comm}]`]]
    })
  if (flags.json) {
    const all = rows.map(([uid, pid, ppid, command]) => ({
      uid: Number(uid),
      pid: Number(pid),
      ppid: Number(ppid),
      command,
    }))
    print(printableJson(all))
  } else printTable(['UID', 'PID', 'PPID', 'CMD'], rows)
  return 0
})
