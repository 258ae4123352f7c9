// Namespaces: those of the program in the foreground of the shell beside the host's, which in a lesson is the lab; and
// where the program stands: its root, its working directory, its pid.
import { NAMESPACE_TYPES, type NamespaceType, readNamespaces } from '../../../toolkit/observe/namespaces.ts'
import { cwdOf, readProcess, rootOf } from '../../../toolkit/observe/process.ts'
import { fit } from '../wrap.ts'
import { clean, type PanelScene, type Part, part, type Reading, type Row, type Space } from './panel.ts'
import { programOf, titleOf } from './program.ts'

interface Fact {
  /** `mnt`, `pid`, `root` …: unique in the panel, and short enough for a row of all of them. */
  readonly name: string
  /** What it is, in a word or two. */
  readonly about: string
  readonly value: string
  /** Whether it is the host's; undefined where that is no question. */
  readonly shared: boolean | undefined
}

interface Data {
  readonly program: string
  readonly namespaces: readonly Fact[]
  readonly places: readonly Fact[]
}

const ABOUT: Partial<Record<NamespaceType, string>> = {
  mnt: 'mounts',
  uts: 'host name',
  ipc: 'messages',
  pid: 'process ids',
  net: 'network',
  user: 'users',
  cgroup: 'cgroups',
  time: 'clocks',
}

export function readNamespacesPanel({ shellPid, lab }: PanelScene): Reading | undefined {
  const program = programOf(shellPid)
  const own = program && readNamespaces(program.pid)
  const host = readNamespaces(lab.pid)
  if (!program || !own || !host) return undefined
  const namespaces = NAMESPACE_TYPES.filter(type => ABOUT[type]).map(type => ({
    name: type,
    about: ABOUT[type]!,
    value: own[type].inode === 0 ? 'none' : String(own[type].inode),
    shared: own[type].inode === host[type].inode,
  }))
  const root = rootOf(program.pid)
  const level = (readProcess(lab.pid)?.nsPid.length ?? 1) - 1
  const outside = program.nsPid[level] ?? program.pid
  const inside = program.nsPid.at(-1) ?? program.pid
  const twice = program.nsPid.length - 1 > level
  const places: Fact[] = [
    { name: 'root', about: 'root', value: clean(root?.path ?? '?'), shared: root?.id === rootOf(lab.pid)?.id },
    { name: 'cwd', about: 'cwd', value: clean(cwdOf(program.pid)?.path ?? '?'), shared: undefined },
    {
      name: 'process',
      about: 'pid',
      value: twice ? `${inside} (outside ${outside})` : String(outside),
      shared: undefined,
    },
  ]
  const data = { program: clean(program.comm), namespaces, places }
  return {
    data,
    title: titleOf(program, shellPid),
    legend: "= the host's  ≠ its own",
    facts: new Map([...namespaces, ...places].map(({ name, value }) => [name, value])),
    draw: space => draw(data, space),
  }
}

function draw(data: Data, space: Space): Row[] {
  if (space.rows >= data.namespaces.length) return tall(data, space)
  return space.rows >= 4 ? low(data) : [oneRow(data)]
}

const sign = ({ shared }: Fact) => (shared === undefined ? ' ' : shared ? '=' : '≠')

const show = (fact: Fact, text: string): Part =>
  part(text, fact.shared === false ? 'strong' : fact.shared ? 'muted' : undefined, fact.name)

function oneRow({ program, namespaces, places: [root, , pid] }: Data): Row {
  return [
    part(program, 'strong'),
    part(` ${pid!.value}  `),
    show(root!, `root${sign(root!)} ${fit(root!.value, Math.min(18, root!.value.length))}`),
    part(' '),
    ...namespaces.flatMap(fact => [part(' '), show(fact, `${fact.name}${sign(fact)}`)]),
  ]
}

/** A namespace a row, and beside them the places; on a page below them. */
function tall({ namespaces, places }: Data, space: Space): Row[] {
  const left = namespaces.map(fact =>
    show(fact, `${sign(fact)} ${fact.name.padEnd(6)} ${fact.about.padEnd(11)} ${fact.value.padEnd(10)}`),
  )
  return left.map((cell, index) => [cell, part(space.columns < 50 ? ' ' : '   '), ...place(places[index])])
}

/** Two namespaces a row. */
function low({ namespaces, places }: Data): Row[] {
  const half = Math.ceil(namespaces.length / 2)
  const cell = (fact: Fact | undefined, cells: number) =>
    fact ? show(fact, fit(`${sign(fact)} ${fact.name.padEnd(6)} ${fact.about}`, cells)) : part(' '.repeat(cells))
  return namespaces
    .slice(0, half)
    .map((fact, index) => [cell(fact, 21), cell(namespaces[index + half], 22), ...place(places[index])])
}

const place = (fact: Fact | undefined): Part[] =>
  fact
    ? [part(`${fact.about.padEnd(5)} `, 'muted'), show(fact, fact.value), part(fact.shared === false ? ' ≠' : '')]
    : []
