// Processes: the trees below the lab's first process and below the learner's shell, whose parent is not in the lab, with the pids that each has in the lab and in a pid namespace of
// its own.
import { readNamespaces } from '../../../toolkit/observe/namespaces.ts'
import { readProcess, type Stat } from '../../../toolkit/observe/process.ts'
import { fit } from '../wrap.ts'
import { around, clean, count, type PanelScene, part, type Reading, type Row, type Space } from './panel.ts'
import { allBelow, programOf, titleOf } from './program.ts'

const MOST = 48 // of a fork bomb, it is enough to see that it is one

interface Node {
  readonly pid: number
  readonly command: string
  /** As the lab counts. */
  readonly labPid: number
  /** As the innermost of its pid namespaces counts, where that is not the lab's. */
  readonly inside: number | undefined
  /** Why it does not run; empty where it does, or sleeps. */
  readonly state: string
  readonly depth: number
  /** For each level of the tree above it: whether that line goes on below. */
  readonly lines: readonly boolean[]
  readonly role: string
}

const STATES: Record<string, string> = { Z: 'zombie', T: 'stopped', D: 'waits for a disk' }

export function readProcessesPanel({ shellPid, lab }: PanelScene): Reading | undefined {
  const front = programOf(shellPid)
  const level = readProcess(lab.pid)?.nsPid.length
  if (!front || level === undefined) return undefined
  const stats = allBelow([lab.pid, shellPid], MOST + 1)
  const shown = stats.slice(0, MOST)
  const host = readNamespaces(lab.pid)?.pid.inode
  const children = Map.groupBy(shown, ({ ppid }) => ppid)
  const nodes: Node[] = []
  const walk = (stat: Stat, lines: readonly boolean[]) => {
    nodes.push(nodeOf(stat, lines))
    const below = children.get(stat.pid) ?? []
    for (const [index, child] of below.entries()) walk(child, [...lines, index < below.length - 1])
  }
  const nodeOf = (stat: Stat, lines: readonly boolean[]): Node => {
    const process = readProcess(stat.pid)
    const nsPid = process?.nsPid ?? []
    const roles = [stat.pid === lab.pid && 'the lab', stat.pid === shellPid && 'your shell']
    if (stat.pid === front.pid && stat.pid !== shellPid) roles.push('in front')
    return {
      pid: stat.pid,
      command: clean(commandOf(stat, stat.pid === shellPid ? [] : (process?.argv ?? []))),
      labPid: nsPid[level - 1] ?? 0,
      inside: nsPid.length > level && host !== undefined ? nsPid.at(-1) : undefined,
      state: STATES[stat.state] ?? '',
      depth: lines.length,
      lines,
      role: roles.filter(Boolean).join(', '),
    }
  }
  for (const stat of shown) if (stat.pid === lab.pid || stat.pid === shellPid) walk(stat, [])
  const more = stats.length > MOST
  const path = pathTo(front.pid, shown)
  return {
    data: [nodes, more, path],
    title: `${more ? 'more than ' : ''}${count(nodes.length)}, ${titleOf(front, shellPid)}`,
    legend: '',
    facts: new Map(nodes.map(({ pid, command, state }) => [String(pid), `${command} ${state}`])),
    draw: space => draw(nodes, more, path, space),
  }
}

/** Its arguments say more than its name, but for a zombie, which has none, and for the shell, where they are ours. */
function commandOf({ comm, state }: Stat, argv: readonly string[]): string {
  if (argv.length === 0 || state === 'Z') return comm
  const [first, ...others] = argv
  return [first!.split('/').at(-1) || comm, ...others].join(' ').slice(0, 200)
}

/** From the lab's first process down to a program. */
function pathTo(pid: number, stats: readonly Stat[]): number[] {
  const parents = new Map(stats.map(stat => [stat.pid, stat.ppid]))
  const path: number[] = []
  for (
    let at: number | undefined = pid;
    at !== undefined && parents.has(at) && path.length < MOST;
    at = parents.get(at)
  )
    path.unshift(at)
  return path
}

function draw(nodes: readonly Node[], more: boolean, path: readonly number[], space: Space): readonly Row[] {
  if (space.rows === 1) return [chain(nodes, path, space)]
  const nested = nodes.some(({ inside }) => inside !== undefined)
  const head = part(`${'PID'.padStart(6)}${nested ? `${'INSIDE'.padStart(8)}` : ''}  PROCESS`, 'muted')
  const room = space.columns - (nested ? 16 : 8)
  const rows = nodes.map((node): Row => {
    const { labPid, inside, role, state, pid } = node
    const key = String(pid)
    const notes = [state, role].filter(Boolean).join(', ')
    const end = notes === '' ? '' : `  ${space.ascii ? '<' : '◂'} ${notes}`
    const name = branch(node, space.ascii) + node.command
    return [
      part(String(labPid).padStart(6), 'muted', key),
      part(nested ? `${inside ?? ''}`.padStart(8) : '', 'strong', key),
      part('  '),
      part(fit(name, Math.min(name.length * 2, Math.max(8, room - end.length))).trimEnd(), roleStyle(node), key),
      part(end, state === 'zombie' ? 'bad' : 'accent'),
    ]
  })
  if (more) rows.push([part(`        … and more than ${MOST} others`, 'bad')])
  const front = nodes.findIndex(({ pid }) => pid === path.at(-1))
  return [[head], ...around(rows, Math.max(0, front), space.rows - 1)]
}

const roleStyle = ({ state, role }: Node) =>
  state === 'zombie' ? 'bad' : role.includes('front') ? 'strong' : undefined

function branch({ lines, depth }: Node, ascii: boolean): string {
  if (depth === 0) return ''
  const above = lines.slice(0, -1).map(goesOn => (goesOn ? (ascii ? '|  ' : '│  ') : '   '))
  const last = !lines.at(-1)
  return above.join('') + (ascii ? (last ? '`- ' : '|- ') : last ? '└─ ' : '├─ ')
}

/** `4 processes: init 1 › bash 12 › sleep 40, inside 1` */
function chain(nodes: readonly Node[], path: readonly number[], space: Space): Row {
  const steps = path.flatMap(pid => nodes.find(node => node.pid === pid) ?? [])
  return [
    part(`${count(nodes.length)} processes:`, 'muted'),
    ...steps.flatMap(({ command, labPid, inside, pid }, index) => [
      part(index === 0 ? ' ' : space.ascii ? ' > ' : ' › ', 'muted'),
      part(
        `${command.split(' ')[0]} ${labPid}${inside === undefined ? '' : ` (inside ${inside})`}`,
        index === steps.length - 1 ? 'strong' : undefined,
        String(pid),
      ),
    ]),
  ]
}
