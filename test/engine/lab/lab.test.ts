import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmdirSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { LAB_HOME, type Lab, type LabShell, startLab } from '../../../toolkit/engine/lab/lab.ts'
import { isAlive, readStat } from '../../../toolkit/observe/process.ts'

let lab: Lab
beforeEach(async () => {
  lab = await startLab()
})
afterEach(() => lab.stop())

/** The screen of a shell, as a growing text. */
function watch(shell: LabShell) {
  let text = ''
  shell.onData(data => {
    text += data.toString()
  })
  return async (wanted: RegExp) => {
    for (let tries = 0; tries < 1000; tries++) {
      if (wanted.test(text)) return text
      await sleep(20)
    }
    throw new Error(`${wanted} did not appear in ${JSON.stringify(text)}`)
  }
}

const hostState = () => [
  readFileSync('/proc/self/mountinfo', 'utf8'),
  readFileSync('/proc/net/dev', 'utf8').match(/^ *\S+:/gm),
  hostname(),
]

describe('the lab is apart from the host', () => {
  test('new namespaces of six kinds, and the host’s user and time', async () => {
    for (const type of ['mnt', 'uts', 'ipc', 'pid', 'net', 'cgroup'])
      expect(readlinkSync(`/proc/${lab.pid}/ns/${type}`), type).not.toBe(readlinkSync(`/proc/self/ns/${type}`))
    expect(readlinkSync(`/proc/${lab.pid}/ns/user`)).toBe(readlinkSync('/proc/self/ns/user'))
  })

  test('what is done in it changes nothing outside', async () => {
    const before = hostState()
    const script = `hostname changed && touch /etc/lab-was-here /usr/lab-was-here && rm -rf /etc/debian_version &&
      mount -t tmpfs none /mnt && ip link add br0 type bridge && ip link set lo down && echo done`
    expect(await lab.run(['sh', '-c', script])).toEqual({ code: 0, output: 'done\n' })
    expect(hostState()).toEqual(before)
    expect(existsSync('/etc/lab-was-here')).toBe(false)
    expect(existsSync('/usr/lab-was-here')).toBe(false)
    expect(existsSync('/etc/debian_version')).toBe(true)
  })

  test('it sees the host’s programs, only its own processes, and an empty home', async () => {
    const { output } = await lab.run(['sh', '-c', 'ls /proc | grep -cE "^[0-9]+$"; ls -A; pwd; id -u; ls /dev | wc -l'])
    const [processes, ...rest] = output.trim().split('\n')
    expect(Number(processes)).toBeLessThan(6)
    expect(rest.slice(0, 2)).toEqual([LAB_HOME, '0'])
  })

  test('orphans leave no zombies: its first process has the kernel reap them', async () => {
    await lab.run(['sh', '-c', 'for i in 1 2 3 4 5; do (sleep 0.05 &) ; done; sleep 0.3'])
    const { output } = await lab.run(['sh', '-c', 'cat /proc/[0-9]*/stat | grep -c ") Z " || true'])
    expect(output.trim()).toBe('0')
  })

  test('a command that fails, and one that is not there', async () => {
    expect(await lab.run(['sh', '-c', 'echo oh >&2; exit 5'])).toEqual({ code: 5, output: 'oh\n' })
    await expect(lab.run(['no-such-command'])).rejects.toMatchObject({ code: 'ENOENT', call: 'execve' })
  })
})

describe('the shell', () => {
  test('is a terminal with job control, the size that was asked for, and ^C', async () => {
    const shell = lab.shell({ columns: 91, rows: 17 })
    const until = watch(shell)
    await until(/lab.*# /)
    shell.write('tty; stty size; sleep 100\n')
    await until(/\/dev\/pts\/\d+\r\n17 91\r\n/)
    await sleep(100)
    shell.write('\x1a')
    await until(/Stopped/)
    shell.write('fg\n')
    await until(/fg\r\n[^\n]*sleep 100/)
    await sleep(100)
    shell.write('\x03')
    shell.resize(50, 20)
    shell.write('echo status=$?; stty size\n')
    await until(/status=130\r\n20 50\r\n/)
    shell.write('exit 3\n')
    expect(await new Promise(resolve => shell.onExit(resolve))).toBe(3)
  })

  test('a second one opens when the first was killed; the lab lives on', async () => {
    const first = lab.shell({ columns: 80, rows: 24 })
    await watch(first)(/# /)
    first.write('sleep 100 &\n')
    first.kill()
    expect([129, 0]).toContain(await new Promise(resolve => first.onExit(resolve))) // by SIGHUP, or by the end of its input
    const second = lab.shell({ columns: 80, rows: 24 })
    second.write('echo $((6 * 7))\n')
    await watch(second)(/42\r\n/)
  })
})

describe('reset', () => {
  const states = {
    'nothing done': 'true',
    'mounts stacked':
      'for i in 1 2 3; do mount -t tmpfs none /mnt; done; mount --bind / /mnt; mount -t proc proc /mnt/proc',
    '/proc unmounted': 'umount -l /proc',
    'many processes': 'for i in $(seq 50); do sleep 1000 >/dev/null 2>&1 & done',
    'a process that ignores signals': "trap '' TERM INT HUP; sleep 1000 >/dev/null 2>&1 &",
    'own namespaces inside': 'unshare -mpf --mount-proc sleep 1000 >/dev/null 2>&1 & sleep 0.2',
    'a stopped process': 'sleep 1000 >/dev/null 2>&1 & sleep 0.1; kill -STOP $!',
    'the network broken': 'ip link set lo down; ip link add v0 type veth peer name v1',
  }
  test.each(Object.entries(states))('%s: everything of the lab is gone', async (_, script) => {
    const before = hostState()
    const look = ['sh', '-c', 'ls -A ~; ls /sys/class/net; wc -l < /proc/mounts; ps ax | wc -l']
    const fresh = await lab.run(look)
    await lab.run(['sh', '-c', script])
    const start = readStat(lab.pid)!.startTime
    await lab.stop()
    expect(isAlive(lab.pid, start)).toBe(false)
    expect(hostState()).toEqual(before)
    lab = await startLab()
    expect(await lab.run(look)).toEqual(fresh)
  })
})

test('stopping it twice is as good as once', async () => {
  const before = readdirSync('/proc/self/fd').length
  await Promise.all([lab.stop(), lab.stop()])
  await lab.stop()
  expect(readdirSync('/proc/self/fd').length).toBe(before - 2) // the pidfd, and the lock of its record
})

test('killed with -9, the program that started a lab takes it along', async () => {
  const script = `import { startLab } from '${import.meta.dirname}/../../../toolkit/engine/lab/lab.ts'
    const lab = await startLab(); lab.shell({ columns: 80, rows: 24 }); console.log(lab.pid); setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  const pid = Number(String(await new Promise(resolve => child.stdout.once('data', resolve))))
  const start = readStat(pid)!.startTime
  child.kill('SIGKILL')
  for (let tries = 0; isAlive(pid, start) && tries < 500; tries++) await sleep(10)
  expect(isAlive(pid, start)).toBe(false)
})

test('what lies on a file system of its own, as /tmp may, is there in the lab', () => {
  const directory = mkdtempSync(join(tmpdir(), 'lab-'))
  const script = `import { startLab } from '${import.meta.dirname}/../../../toolkit/engine/lab/lab.ts'
    const lab = await startLab()
    console.log(JSON.stringify(await lab.run(['sh', '-c', 'cat ${directory}/mark; echo 2 >${directory}/mark'])))
    await lab.stop()`
  const shell = 'mount -t tmpfs none "$2" && echo 1 >"$2/mark" && "$0" --input-type=module -e "$1"; cat "$2/mark"'
  const env = { ...process.env, TOOLKIT_STATE: `${directory}/state` }
  const args = ['-m', 'sh', '-c', shell, process.execPath, script, directory]
  const { stdout, stderr } = spawnSync('unshare', args, { env, encoding: 'utf8' })
  rmdirSync(directory)
  expect(stderr).toBe('')
  expect(stdout).toBe('{"code":0,"output":"1\\n"}\n1\n')
})
