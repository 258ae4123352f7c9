// Task 3: what the engine knows of a container when the kernel knows nothing any more.
import { readdirSync } from 'node:fs'
import { stateDir } from '../../toolkit/image/paths.ts'
import { no, type Scene, type Task } from '../lesson.ts'
import { findEntry, readText } from '../look.ts'

interface Kept {
  /** In the lab. */
  readonly directory: string
  readonly name: string
  readonly exitCode: number | undefined
}

/** The engine's records in the lab, of containers that live or have ended. */
function records(scene: Scene, place: 'live' | 'ended'): Kept[] {
  const top = `${stateDir()}/containers/${place}`
  if (!findEntry(scene, top)?.isDirectory()) return []
  return readdirSync(`/proc/${scene.lab.pid}/root${top}`).flatMap(id => {
    try {
      const { name, exitCode } = JSON.parse(readText(scene, `${top}/${id}/state.json`) ?? '')
      return { directory: `${top}/${id}`, name: String(name), exitCode }
    } catch {
      return [] // half written, or just removed
    }
  })
}

const RUN = "toolkit run --name {{kept}} busybox sh -c 'touch /{{file}}; exit {{code}}'"

export const keptTask: Task = {
  id: 'kept',
  title: 'What remains',
  check(scene) {
    const { kept, file, code } = scene.values
    const ended = records(scene, 'ended')
    const found = ended.find(({ name }) => name === kept)
    if (!found) {
      if (records(scene, 'live').some(({ name }) => name === kept)) return no(`${kept} has not ended yet`)
      const others = ended.map(({ name }) => name)
      return no(`the engine knows no container called ${kept}${others.length > 0 ? `, only ${others.join(', ')}` : ''}`)
    }
    if (!findEntry(scene, `${found.directory}/upper/${file}`))
      return no(`${kept} has ended, but no /${file} is among its changes`)
    if (found.exitCode !== Number(code)) return no(`${kept} has ended with ${found.exitCode}, not with ${code}`)
    return { passed: true, saw: `${kept} has ended with ${code}, and the engine has its record and its /${file}` }
  },
  hints: [
    'Two things in one program: a shell with `-c`, and the commands in quotes.',
    'The name is given with `--name`. Which flag throws a container away when it ends? Leave that out.',
    "`toolkit run --name {{kept}} busybox sh -c 'touch /{{file}}; exit {{code}}'`",
  ],
  solution: [`${RUN}; echo $?`],
  otherWays: [
    {
      name: 'a script on its stdin',
      commands: [
        "printf 'touch /{{file}}\\nexit {{code}}\\n' >script",
        'toolkit run -i --name={{kept}} busybox sh <script || true',
      ],
    },
  ],
  wrongWays: [
    {
      name: 'with --rm',
      commands: ["toolkit run --rm --name {{kept}} busybox sh -c 'touch /{{file}}; exit {{code}}'"],
      saw: /^the engine knows no container called \S+$/,
    },
    {
      name: 'no code',
      commands: ['toolkit run --name {{kept}} busybox touch /{{file}}'],
      saw: /has ended with 0, not with/,
    },
    {
      name: 'no name',
      commands: ["toolkit run busybox sh -c 'touch /{{file}}; exit {{code}}'"],
      saw: /^the engine knows no container called \S+, only/,
    },
    {
      name: 'still there',
      commands: ["toolkit run --name {{kept}} busybox sh -c 'touch /{{file}}; sleep 5000; exit {{code}}' &"],
      saw: /has not ended yet$/,
    },
  ],
}
