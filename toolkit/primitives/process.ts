// The program itself, and what it inherits: signals, limits, umask, working directory, environment. execve(2), signal(7).
import { CLOSE_RANGE, RLIMIT, SIG } from '../kernel/constants.ts'
import { type Step, type Struct, step } from '../kernel/step.ts'

const lesson = '20-engine'

/** `process` in an OCI config.json, as far as it goes here. */
export interface Process {
  readonly args: readonly string[]
  /** NAME=value. */
  readonly env: readonly string[]
  /** Absolute path in the container. */
  readonly cwd: string
  readonly user: { readonly umask: number }
  readonly rlimits: readonly { readonly type: 'RLIMIT_NOFILE'; readonly soft: number; readonly hard: number }[]
}

/** Sets back what Node has changed in itself and a program would inherit. */
export function undoNode(): Step[] {
  const defaults = { bytes: new Uint8Array(32), text: '{SIG_DFL}' } // struct sigaction
  return (
    [
      ['PIPE', SIG.PIPE],
      ['XFSZ', SIG.XFSZ],
    ] as const
  ).map(([name, signal]) =>
    step('rt_sigaction', [signal, defaults, null, 8], {
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

function rlimit({ soft, hard }: { soft: number; hard: number }): Struct {
  const bytes = Buffer.alloc(16)
  bytes.writeBigUInt64LE(BigInt(soft), 0)
  bytes.writeBigUInt64LE(BigInt(hard), 8)
  return { bytes, text: `{rlim_cur=${soft}, rlim_max=${hard}}` }
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

/** The last steps: what is left to inherit, then the program. */
export function plan({ process: { args, env, cwd, user, rlimits } }: { process: Process }): Step[] {
  const paths = candidates(args[0]!, env)
  return [
    ...rlimits.map(({ soft, hard }) =>
      step('prlimit64', [0, RLIMIT.NOFILE, rlimit({ soft, hard }), null], {
        lesson,
        why: 'Node has raised its own limit of open files; programs are slow or break with a very high one',
        shell: `ulimit -Sn ${soft}`,
      }),
    ),
    step('umask', [user.umask], {
      lesson,
      why: 'new files get the modes that the caller’s umask allows',
      shell: `umask ${user.umask.toString(8).padStart(4, '0')}`,
    }),
    step('chdir', [cwd], { lesson, why: 'the working directory that was asked for', shell: `cd ${cwd}` }),
    step('close_range', [3, 0xffffffff, CLOSE_RANGE.CLOEXEC], {
      lesson,
      why: 'a forgotten descriptor of the host would be a way out of the container',
      shell: '',
    }),
    ...paths.map((path, i) =>
      step('execve', [path, args, env], {
        lesson,
        why:
          i === 0 ? 'becomes the program: same process, same PID, same namespaces' : 'else the next directory of PATH',
        shell: `exec ${args.map(quote).join(' ')}`,
        ...(i < paths.length - 1 && { allow: 'ENOENT' as const }),
      }),
    ),
  ]
}
