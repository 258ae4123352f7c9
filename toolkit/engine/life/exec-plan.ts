// What a program in a container that runs is made of: a process that is born in its pid namespace and groups, enters all its
// other namespaces, and gives up what its first process has given up. setns(2) takes them all by one pidfd.
import { existsSync, openSync, readlinkSync } from 'node:fs'
import { callAction } from '../../kernel/action.ts'
import { invoke } from '../../kernel/call.ts'
import { AT, CLONE, F, O, PR } from '../../kernel/constants.ts'
import { type Gate, type Plan, type Step, step } from '../../kernel/step.ts'
import { readLayout } from '../../observe/cgroups.ts'
import { readText } from '../../observe/read.ts'
import * as cgroups from '../../primitives/cgroups.ts'
import * as credentials from '../../primitives/credentials.ts'
import * as keyring from '../../primitives/keyring.ts'
import * as pid from '../../primitives/pid.ts'
import * as process from '../../primitives/process.ts'
import * as rlimits from '../../primitives/rlimits.ts'
import * as terminal from '../../primitives/terminal.ts'
import * as user from '../../primitives/user.ts'
import { becomeProgram } from '../plan.ts'
import type { Spec } from '../spec.ts'
import { ownPipes } from '../terminal/own-pipes.ts'
import type { ExecWish } from './exec.ts'

const CONTAINER = { descriptor: 'container' }
const ALL = CLONE.NEWNS + CLONE.NEWUTS + CLONE.NEWIPC + CLONE.NEWNET + CLONE.NEWCGROUP + CLONE.NEWTIME

interface ExecParts {
  readonly spec: Spec
  readonly seccomp: readonly Step[]
  readonly wish: ExecWish
  /** Its first process, and a pidfd of it. */
  readonly pid: number
  readonly container: number
  readonly cgroups: readonly string[]
}

/**
 * The v2 group for one more process. One that passes controllers on has none of its own (cgroups(7), "no internal
 * processes"): where the container has made groups in its own, such as systemd's, it is that of its first process, as runc's.
 */
function cgroupFor(own: string, first: number): string {
  if (!readText(`${own}/cgroup.subtree_control`)?.trim()) return own
  const its = readLayout(first)?.hierarchies.find(({ version }) => version === 2)?.directory
  return its?.startsWith(`${own}/`) ? its : own // nothing of it is to be elsewhere
}

export function planExec({ spec, seccomp, wish, pid: first, container, cgroups: directories }: ExecParts): Plan {
  const own = directories.find(directory => existsSync(`${directory}/cgroup.controllers`)) // v2
  const born = own && cgroupFor(own, first)
  const joined = directories.filter(directory => directory !== own)
  const { uidMappings } = spec.linux
  const livesOn = wish.detached || wish.terminal // whose user may leave it; if we are killed, its terminal hangs up
  const about = { lesson: '20-engine', shell: '' } as const
  const join: Step[] = [
    ...(joined.length > 0 ? cgroups.join(joined) : []),
    step('prctl', [PR.SET_DUMPABLE, 0, 0, 0, 0], {
      ...about,
      why: 'from the next call on the container sees this process: it shall not look into it (CVE-2016-9962)',
    }),
  ]
  const enterUsers: Step[] = [
    step('setns', [CONTAINER, CLONE.NEWUSER], { ...about, lesson: '07-user', why: 'its root from here on' }),
    ...user.becomeRoot(),
  ]
  const apart = uidMappings ? namespacesOf(first) : []
  return {
    before: [
      {
        text: `container = pidfd_open(${first}, 0)`,
        why: 'one handle for all its namespaces, which cannot come to mean another process',
        lesson: '20-engine',
        shell: '',
        apply({ descriptors }) {
          descriptors.set(CONTAINER.descriptor, invoke('fcntl', [container, F.DUPFD_CLOEXEC, 0]))
          if (born) descriptors.set(cgroups.CGROUP, openSync(born, O.RDONLY + O.DIRECTORY))
        },
      },
      ...(livesOn ? [] : ownPipes(spec, wish.interactive)),
      ...apart.map(({ name, path }) =>
        callAction(
          step('openat', [AT.FDCWD, path, O.RDONLY + O.CLOEXEC, 0], {
            ...about,
            why: 'opened here: root of a user namespace may not look into a program that it cannot read, as the init of ours',
          }),
          name,
        ),
      ),
    ],
    namespaces: [],
    pidNamespace: CONTAINER,
    ...(born && { cgroup: { descriptor: cgroups.CGROUP } }),
    first: uidMappings ? [...join, ...enterUsers] : [],
    steps: [
      ...(livesOn ? [] : pid.dieWithParent()),
      ...(uidMappings ? [] : join),
      ...process.undoNode(),
      ...keyring.plan(),
      ...(uidMappings
        ? apart.map(({ name, flag }) =>
            step('setns', [{ descriptor: name }, flag], { ...about, why: 'joins the container, one by one' }),
          )
        : [
            step('setns', [CONTAINER, ALL], {
              ...about,
              why: 'joins the container: its files, its network, its names',
              shell: `nsenter --all --target ${first}`,
            }),
          ]),
      ...stdio(spec, wish),
      ...rlimits.plan(spec.process),
      ...becomeProgram(spec, seccomp, livesOn),
      ...process.execute(spec),
    ],
  }
}

const BY_NAME = {
  ...{ cgroup: CLONE.NEWCGROUP, ipc: CLONE.NEWIPC, net: CLONE.NEWNET, time: CLONE.NEWTIME, uts: CLONE.NEWUTS },
  mnt: CLONE.NEWNS, // last: the paths of the others are the host's
}

/** Those of its namespaces that are not ours as well. */
const namespacesOf = (pid: number) =>
  Object.entries(BY_NAME).flatMap(([name, flag]) => {
    const path = `/proc/${pid}/ns/${name}`
    return readlinkSync(path) === readlinkSync(`/proc/self/ns/${name}`) ? [] : [{ name: `its ${name}`, path, flag }]
  })

function stdio({ process: { user } }: Spec, { terminal: tty, interactive, detached }: ExecWish): (Step | Gate)[] {
  if (tty && !detached) return [...terminal.openTerminal(), ...credentials.ownTerminal({ user })]
  const own = [...terminal.ownSession(), ...(interactive && !detached ? [] : terminal.noInput())]
  if (!detached) return own
  const silent = [1, 2].map(fd =>
    step('dup3', [0, fd, 0], { lesson: '20-engine', shell: '', why: 'nobody is there to read its output' }),
  )
  return [...own, ...silent]
}
