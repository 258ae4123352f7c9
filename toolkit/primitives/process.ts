// The program itself, and what it inherits: signals, umask, working directory, environment. execve(2), signal(7).
import { posix } from 'node:path'
import { AT, CLOSE_RANGE, O, PATH_MAX, RESOLVE, SIG } from '../kernel/constants.ts'
import { openHow } from '../kernel/mount-structs.ts'
import { SIG_DFL } from '../kernel/sigaction.ts'
import { type Step, step } from '../kernel/step.ts'
import { quoteValue, UsageError } from '../kernel/usage-error.ts'

const lesson = '20-engine'

/** `process` in an OCI config.json, as far as it goes here. */
export interface Process {
  readonly args: readonly string[]
  /** NAME=value. */
  readonly env: readonly string[]
  /** Absolute path in the container. */
  readonly cwd: string
  readonly user: { readonly umask: number }
  /** -1000 (never) to 1000 (first): how gladly the kernel kills it when memory runs out; left out: as we are. */
  readonly oomScoreAdj?: number
}

/** Sets back what Node has changed in itself and a program would inherit. */
export function undoNode(): Step[] {
  return (
    [
      ['PIPE', SIG.PIPE],
      ['XFSZ', SIG.XFSZ],
    ] as const
  ).map(([name, signal]) =>
    step('rt_sigaction', [signal, SIG_DFL, null, 8], {
      lesson,
      why: `Node ignores SIG${name}, and what is ignored stays ignored in the program`,
      shell: `trap - ${name}`,
    }),
  )
}

/** For the steps that make files: their modes are meant as written. */
export function clearUmask(): Step[] {
  return [
    step('umask', [0], {
      lesson,
      why: 'devices and directories get exactly the mode that is written here',
      shell: 'umask 0',
    }),
  ]
}

const free = (): Step =>
  step('close_range', [3, 3, 0], {
    lesson,
    why: 'makes 3 the lowest free descriptor, so that the next call returns it',
    shell: '',
  })

/** Sets the OOM score. Needs a /proc that shows this process: the host's, or the container's own when it is mounted. */
export function oomScore({ process: { oomScoreAdj } }: { process: Pick<Process, 'oomScoreAdj'> }): Step[] {
  if (oomScoreAdj === undefined) return []
  const text = String(oomScoreAdj)
  const about = { lesson: '10-memory', shell: '' } as const
  return [
    free(),
    step('openat', [AT.FDCWD, '/proc/self/oom_score_adj', O.WRONLY | O.CLOEXEC, 0], {
      ...about,
      why: 'the setting is a file, and its children will inherit it',
    }),
    step('write', [3, text, text.length], {
      ...about,
      why: 'says whom the kernel kills first when memory runs out',
      shell: `echo ${text} >/proc/self/oom_score_adj`,
    }),
    step('close', [3], { ...about, why: 'the file has served' }),
  ]
}

/** Throws a UsageError for a working directory that is not absolute, or longer than the kernel takes. */
export function checkDirectory(cwd: string): void {
  if (Buffer.byteLength(cwd) >= PATH_MAX)
    throw new UsageError(`run: --workdir ${quoteValue(cwd)}: a path has at most ${PATH_MAX - 1} bytes`)
  if (!cwd.startsWith('/')) throw new UsageError(`run: --workdir ${quoteValue(cwd)}: allowed: an absolute path`)
}

// A magic link is a name that leads anywhere: /proc/self/fd/7, out of the container (CVE-2024-21626). chdir follows it.
const how = openHow(O.PATH | O.DIRECTORY | O.CLOEXEC, RESOLVE.NO_MAGICLINKS)

const openDirectory = (path: string): Step[] => [
  free(),
  step('openat2', [AT.FDCWD, path, how, how.bytes.length], {
    lesson,
    why: 'unlike chdir it can refuse the links of /proc to what a process has open, perhaps a directory of the host',
    shell: '',
  }),
]

/** Makes the working directory, as far as it is not there. As root, in the container's root directory, with umask 0. */
export function makeDirectory({ process: { cwd } }: { process: Pick<Process, 'cwd'> }): Step[] {
  const names = posix.normalize(cwd).split('/').filter(Boolean)
  return names.flatMap((name, i) => [
    ...openDirectory(`/${names.slice(0, i).join('/')}`),
    step('mkdirat', [3, name, 0o755], {
      lesson,
      why: 'the working directory is made where it is missing; that it is there already is as good',
      shell: `mkdir -p /${names.slice(0, i + 1).join('/')}`,
      allow: ['EEXIST'],
    }),
  ])
}

/**
 * Goes to the working directory: as the user of the container, for a network file system that keeps root out, and with
 * the capability to search every directory, for one that keeps the user out. So once is enough, where a program that
 * can branch tries as root, and again as the user. After `keep` of capabilities.ts.
 */
export function enterDirectory({ process: { cwd } }: { process: Pick<Process, 'cwd'> }): Step[] {
  const path = posix.normalize(cwd)
  return [
    ...openDirectory(path),
    step('fchdir', [3], { lesson, why: 'the working directory that was asked for', shell: `cd ${quote(path)}` }),
  ]
}

/** What modes new files can have. Docker's is 022, whatever the caller's is. */
export function umask({ process: { user } }: { process: Pick<Process, 'user'> }): Step[] {
  return [
    step('umask', [user.umask], {
      lesson,
      why: 'new files get the modes that this lets through',
      shell: `umask ${user.umask.toString(8).padStart(4, '0')}`,
    }),
  ]
}

/** Lets no descriptor through to the program but 0, 1 and 2. */
export function closeOnExec(): Step[] {
  return [
    step('close_range', [3, 0xffffffff, CLOSE_RANGE.CLOEXEC], {
      lesson,
      why: 'a forgotten descriptor of the host would be a way out of the container',
      shell: '',
    }),
  ]
}

/**
 * The paths at which a command may be: itself where it has a slash, else in each directory of PATH in turn.
 */
export function candidates(command: string, env: readonly string[]): string[] {
  if (command.includes('/')) return [command]
  const path =
    env.find(line => line.startsWith('PATH='))?.slice(5) ??
    '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
  return path.split(':').map(directory => `${directory || '.'}/${command}`)
}

/** A word as a shell takes it. */
const quote = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)

/** As execvp(3): the next directory of PATH has its turn where there is no such file, or none that may be executed. */
const NOT_HERE = ['ENOENT', 'ENOTDIR', 'EACCES'] as const

/** Becomes the program: the command where it has a slash, else the first of that name in the directories of PATH. */
export function execute({ process: { args, env } }: { process: Pick<Process, 'args' | 'env'> }): Step[] {
  const paths = candidates(args[0]!, env)
  const shell = `exec ${args.map(quote).join(' ')}`
  return paths.map((path, i) =>
    step('execve', [path, args, env], {
      lesson,
      why: i === 0 ? 'becomes the program: same process, same PID, same namespaces' : 'else the next directory of PATH',
      shell,
      ...(i < paths.length - 1 && { allow: NOT_HERE }),
    }),
  )
}

/** The last steps where user and rights stay as they are. */
export function plan(spec: { process: Omit<Process, 'oomScoreAdj'> }): Step[] {
  return [...umask(spec), ...enterDirectory(spec), ...closeOnExec(), ...execute(spec)]
}
