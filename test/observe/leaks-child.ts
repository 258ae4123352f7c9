// A program for leaks.test.ts, in mount and network namespaces of its own: makes one of each that can be left behind, and
// prints what the difference of two snapshots says, then once more after it has been cleaned up.
import { execFileSync, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, rmdirSync } from 'node:fs'
import { difference, snapshot } from '../../toolkit/observe/leaks.ts'

const [directory, cgroup] = process.argv.slice(2) as [string, string | undefined]
const run = (command: string, ...args: string[]) => execFileSync(command, args)
const options = { directories: [`${directory}/state`] }
mkdirSync(`${directory}/state`)
mkdirSync(`${directory}/mnt`)

const before = snapshot(options)
run('mount', '-t', 'tmpfs', 'tmpfs', `${directory}/mnt`)
run('ip', 'link', 'add', 'left0', 'type', 'bridge')
if (cgroup) mkdirSync(cgroup)
mkdirSync(`${directory}/state/containers/abc`, { recursive: true })
const child = spawn('sleep', ['987'], { stdio: 'inherit' })
const fd = openSync('/etc/hostname', 'r')
const dirty = difference(before, snapshot(options))
const sleeping = child.pid

closeSync(fd)
run('umount', `${directory}/mnt`)
run('ip', 'link', 'delete', 'left0')
if (cgroup) rmdirSync(cgroup)
rmdirSync(`${directory}/state/containers/abc`)
rmdirSync(`${directory}/state/containers`)
await new Promise(resolve => {
  child.on('exit', resolve)
  child.kill()
})
const clean = difference(before, snapshot(options))

run('umount', '/dev/shm')
const gone = difference(before, snapshot(options))
console.log(JSON.stringify({ dirty, clean, gone, sleeping }))
