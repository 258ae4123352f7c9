// A workshop as it is held: the built `bin/toolkit`, an instructor's server, a learner's tutor on a real terminal with a
// real lab, on loopback.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { bin, skipped } from '../../cli/toolkit.ts'
import { gone, openWindow } from '../tutor/window.ts'
import { http } from './world.ts'

const [F2, F9, F10, F12] = ['\x1bOQ', '\x1b[20~', '\x1b[21~', '\x1b[24~']

let home: string
let teacher: string
let server: ChildProcess | undefined
beforeEach(() => {
  home = mkdtempSync(`${tmpdir()}/home-`)
  teacher = mkdtempSync(`${tmpdir()}/teacher-`)
})
afterEach(async () => {
  await close()
  for (const directory of [home, teacher]) rmSync(directory, { recursive: true })
})

const env = (directory: string) => ({
  PATH: process.env.PATH,
  HOME: directory,
  TOOLKIT_STATE: process.env.TOOLKIT_STATE,
})
function workshop(directory: string, ...argv: string[]) {
  const { status, stdout, stderr } = spawnSync(bin, ['workshop', ...argv], {
    env: env(directory),
    encoding: 'utf8',
    timeout: 20_000,
  })
  return { status, out: stdout, err: stderr }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as { port: number }
  probe.close()
  await once(probe, 'close')
  return port
}

/** Starts the server; what it prints. */
async function serve(port: number) {
  server = spawn(bin, ['workshop', 'serve', '--listen', `127.0.0.1:${port}`], {
    env: env(teacher),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let out = ''
  for await (const data of server.stdout!) {
    out += data
    if (out.includes('Ctrl-C')) break
  }
  const [, join] = /toolkit workshop join (\S+)/.exec(out)!
  const [, url, key] = /^ {2}(http:\S+)\/#(\S+)$/m.exec(out)!
  return { out, join: join!, url: url!, key: key! }
}

async function close(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
  if (!server) return null
  const [code] = server.exitCode === null && server.kill(signal) ? await once(server, 'exit') : [server.exitCode]
  server = undefined
  return code
}

const progress = () => JSON.parse(workshop(teacher, 'progress', '--json').out).seats[0]
async function seen(wanted: (seat: ReturnType<typeof progress>) => boolean) {
  for (let tries = 0; tries < 40; tries++) {
    const seat = progress()
    if (seat && wanted(seat)) return seat
    await sleep(250)
  }
  throw new Error(`waited in vain; the seat is ${JSON.stringify(progress())}`)
}

/** Processor time of a process so far, in milliseconds. */
function cpu(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}

test(`an hour of a workshop in a minute${skipped}`, { timeout: 120_000 }, async context => {
  if (skipped) context.skip()
  const port = await freePort()
  const { join, url, key } = await serve(port)
  expect(workshop(teacher, 'serve', '--listen', '127.0.0.1:1').err).toContain(
    `this workshop is open already, at ${url}`,
  )

  expect(workshop(home, 'status').out).toBe('This seat reports to nobody.\n')
  expect(workshop(home, 'join', join.replace(/....$/, 'aaaa'), '--name', 'Anna').err).toContain(
    "this is not the room's code",
  )
  expect(existsSync(`${home}/.local/state/toolkit/seat.json`)).toBe(false)
  const joined = workshop(home, 'join', join, '--name', 'Anna')
  expect(joined.out).toContain(`This seat is number 1; it reports to ${url}, as Anna.`)
  expect(workshop(home, 'status').out).toContain('The server is there, and this is seat 1.')

  const window = await openWindow(home, 120, 36)
  await window.see(new RegExp(`reports to 127\\.0\\.0\\.1:${port} .*0/8 done`))
  await window.see(/There is no directory/)
  await seen(({ lesson, state, name }) => lesson === '01-chroot' && state === 'here' && name === 'Anna')
  window.type(`${F2}mkdir -p jail/bin; cp /bin/bash jail/bin/\r`)
  await window.see(/✔ Done\./)
  expect(await seen(({ passed }) => passed)).toMatchObject({ seat: 1, task: 1, done: 1, state: 'here' })

  // the learner types while everybody is called: nothing of it is lost
  window.type('echo half a li')
  await window.see(/echo half a li/)
  expect(workshop(teacher, 'goto', '6').out).toContain('asked to come to 06-net')
  await window.see(/^ Your instructor \(F12 answers\): everybody to lesson 6, The network/)
  window.type('ne; echo "<$((40+2))>"\r')
  await window.see(/│ half a line *\n[^\n]*│ <42>/)
  window.type(F12)
  await window.see(/Go to lesson 6\? This lab is thrown away, progress stays\..*y: yes/)
  window.type('y')
  await window.see(/^ toolkit · lesson 6: The network .*task 1 of 7/)
  await seen(({ lesson }) => lesson === '06-net')

  // the server ends and begins again; what was done meanwhile is there
  expect(await close()).toBe(0)
  await window.see(/cannot report to 127/)
  window.type(F9) // "go on without it?"
  await window.see(/not done yet\. Go on without it\?/)
  window.type('y')
  await window.see(/task 2 of 7/)
  expect((await serve(port)).join).toBe(join)
  expect(await seen(({ task, state }) => task === 2 && state === 'here')).toMatchObject({
    seat: 1,
    name: 'Anna',
    done: 1,
  })
  await window.see(new RegExp(`reports to 127\\.0\\.0\\.1:${port} `))

  // a reset that is asked, and one that is not
  window.type('touch /lab/mine\r')
  expect(workshop(teacher, 'reset', '1').out).toContain('Seat 1 is asked')
  await window.see(/Your instructor \(F12 answers\): start this lab anew/)
  window.type(F12)
  await window.see(/Throw the lab away and start a new one\?/)
  window.type('n')
  await window.see(/^ toolkit · lesson 6/)
  window.type('ls /lab/mine\r')
  await window.see(/│ \/lab\/mine *\n/)
  expect(workshop(teacher, 'reset', '1', '--now').out).toContain('gets a new lab')
  await window.see(/Your instructor has had the lab thrown away for a new one\. Progress stays\./)
  await window.see(/^(?!.*touch).*│ lab:~#/s)
  window.type('ls /lab/mine\r')
  await window.see(/No such file/)

  // the seat ends and begins again: the same seat
  const all = window.below()
  window.type(F10)
  await window.see(/outside>/)
  await gone(all)
  await seen(({ state }) => state === 'away')
  window.type(`${bin} learn --yes\n`)
  await window.see(/lesson 6: The network .*task 2 of 7/)
  expect(await seen(({ state }) => state === 'here')).toMatchObject({ seat: 1, name: 'Anna' })

  // nothing of what was typed or shown is at the instructor's
  const kept = readFileSync(`${teacher}/.local/state/toolkit/workshop/room.json`, 'utf8')
  expect(kept).not.toMatch(/half a li|jail|mine|home/)
  const csv = workshop(teacher, 'progress', '--csv').out
  expect(csv.split('\r\n')[1]).toMatch(/^1,Anna,06-net,2,/)
  const asked = await http(`${url}/api/progress.csv`, { headers: { authorization: `Bearer ${key}` } })
  expect(asked.text.split('\r\n')[1]).toMatch(/^1,Anna,06-net,2,/)

  // the learner leaves the workshop, and goes on with the course
  expect(workshop(home, 'leave').out).toBe('This seat reports to nobody any more.\n')
  await seen(({ state }) => state === 'left')
  await window.see(/^ toolkit · lesson 6: The network {9,}task 2 of 7/)
  window.type(F9)
  await window.see(/Go on without it\?/)
  window.type('y')
  await window.see(/task 3 of 7/)
  await sleep(500)
  expect(progress()).toMatchObject({ state: 'left', task: 2 })
  window.type(F10)
  await window.see(/outside>/)
  window.hangUp()

  // without its server the file is still read; a crash loses nothing that was kept
  expect(await close('SIGKILL')).toBeNull()
  const { out, err } = workshop(teacher, 'progress')
  expect(out).toMatch(/^ {3}1 {2}Anna .* 6\.2 .* has left/m)
  expect(err).toContain('the workshop is not open')
  expect(workshop(teacher, 'goto', '6').err).toContain('no workshop is open here')
})

test(`an idle tutor that reports takes next to nothing${skipped}`, { timeout: 60_000 }, async context => {
  if (skipped) context.skip()
  const { join } = await serve(await freePort())
  workshop(home, 'join', join)
  const window = await openWindow(home, 120, 36)
  await seen(({ state }) => state === 'here')
  await sleep(10_000) // what it looks at while something happens, it then looks at less and less often
  const tutor = window.below().find(({ ppid }) => ppid === window.pid)!
  const before = cpu(tutor.pid)
  await sleep(10_000)
  expect((cpu(tutor.pid) - before) / before).toBeLessThan(1) // of what its start has taken
  expect(progress().state).toBe('here')
  window.type(F10)
  await window.see(/outside>/)
  window.hangUp()
})

test('a seat joins before the server is there', async () => {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}/k7wm-3hpt`
  expect(workshop(home, 'join', url).err).toMatch(/does not answer .*--later joins without asking/)
  expect(workshop(home, 'status').out).toBe('This seat reports to nobody.\n')
  expect(workshop(home, 'join', url, '--later', '--name', '\x1b[31mRed')).toMatchObject({ status: 0, err: '' })
  const { status, out } = workshop(home, 'status')
  expect([status, out]).toEqual([
    1,
    expect.stringMatching(/reports to http:\S+, as \[31mRed\.\n.*But it cannot be reached/s),
  ])
  expect(workshop(home, 'leave').out).toContain('The server could not be told')
  expect(workshop(home, 'leave').out).toBe('This seat reported to nobody.\n')
})
