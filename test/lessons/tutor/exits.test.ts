// Every way out, on a real pseudo-terminal: the screen is restored first, what there is to say comes after.
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { build } from 'esbuild'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { descendants, isAlive } from '../../../toolkit/observe/process.ts'

const dir = fs.mkdtempSync('dist.tutor-') // in the package, where koffi is found
const program = path.join(dir, 'demo.mjs')

beforeAll(async () => {
  await build({
    entryPoints: ['test/lessons/tutor/demo.tsx'],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    external: ['koffi'],
    define: { 'process.env.NODE_ENV': '"production"' },
    alias: { 'react-devtools-core': './lessons/tutor/no-devtools.ts' },
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    logLevel: 'error',
  })
})
afterAll(() => fs.rmSync(dir, { recursive: true, force: true }))

/** Runs the demo until its shell is there, then does something to it; resolves to all it printed. */
async function run(act: (pid: number, type: (keys: string) => void) => void) {
  const command = `stty cols 100 rows 30; ${process.execPath} ${program}; echo "status $?"; stty -a`
  const script = spawn('script', ['-qfc', command, '/dev/null'], {
    env: { ...process.env, TERM: 'xterm-256color', TOOLKIT_THEME: 'dark' },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  let output = ''
  script.stdout.on('data', data => {
    output += data
  })
  const ended = new Promise(resolve => script.once('close', resolve))
  const deadline = Date.now() + 8000
  while (!output.includes('lab:') && Date.now() < deadline) await sleep(20)
  const below = descendants(script.pid!)
  const demo = below.find(({ comm }) => comm === 'MainThread' || comm === 'node')
  act(demo!.pid, keys => script.stdin.write(keys))
  await ended
  const alive = () => below.filter(({ pid, startTime }) => isAlive(pid, startTime)).map(({ comm }) => comm)
  const [screen = '', after = ''] = output.split('\x1b[?1049l')
  return { screen, after, alive }
}

test.each([
  ['SIGTERM', 143],
  ['SIGHUP', 129],
  ['SIGINT', 130],
] as const)('%s', async (signal, status) => {
  const { screen, after } = await run(pid => process.kill(pid, signal))
  expect(screen).toContain('\x1b[?1049h')
  expect(after).toContain(`status ${status}`)
  expect(after).toContain('\x1b[?2004l\x1b[?7h')
  expect(after).toMatch(/[^-]icanon.*[^-]echo /s)
})

test('F10', async () => {
  const { after, alive } = await run((_, type) => type('\x1b[21~'))
  expect(after).toContain('status 0')
  expect(after).toMatch(/[^-]icanon/)
  await expect.poll(alive, { timeout: 3000 }).toEqual([])
})

test('an error that nobody caught: its stack is printed where it can be read', async () => {
  const { screen, after } = await run(pid => process.kill(pid, 'SIGUSR2'))
  expect(screen).not.toContain('broken on purpose')
  expect(after).toMatch(/the tutor failed.*broken on purpose.*\n +at /s)
  expect(after).toContain('status 1')
  expect(after).toMatch(/[^-]icanon/)
})
