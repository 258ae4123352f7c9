// All commands in the order in which a person reads about them: what `toolkit --help`, the completion of shells and the
// man page are made of. Whoever adds a command adds its table here; test/cli/help.test.ts misses one that is not.
import { command as attach } from '../attach.ts'
import { family as completion } from '../completion.ts'
import { command as cp } from '../cp.ts'
import { command as create } from '../create.ts'
import { command as diff } from '../diff.ts'
import { command as doctor } from '../doctor.ts'
import { command as events } from '../events.ts'
import { command as exec } from '../exec.ts'
import { command as info } from '../info.ts'
import { command as inspect } from '../inspect.ts'
import { command as kill } from '../kill.ts'
import { command as logs } from '../logs.ts'
import { family as network } from '../network.ts'
import type { Command } from '../options.ts'
import { command as pause } from '../pause.ts'
import { command as port } from '../port.ts'
import { command as containerPrune } from '../prune.ts'
import { command as ps } from '../ps.ts'
import { command as rename } from '../rename.ts'
import { command as restart } from '../restart.ts'
import { command as rm } from '../rm.ts'
import { command as run } from '../run.ts'
import { command as spec } from '../spec.ts'
import { command as start } from '../start.ts'
import { command as stats } from '../stats.ts'
import { command as stop } from '../stop.ts'
import type { Family } from '../subcommands.ts'
import { family as system } from '../system.ts'
import { command as top } from '../top.ts'
import { command as unpause } from '../unpause.ts'
import { command as update } from '../update.ts'
import { command as version } from '../version.ts'
import { family as volume } from '../volume.ts'
import { command as wait } from '../wait.ts'
import { command as xray } from '../xray.ts'

export type Entry = Command | Family

export const isFamily = (entry: Entry): entry is Family => 'commands' in entry

export interface Group {
  readonly title: string
  readonly entries: readonly Entry[]
}

const workshopState = { state: { value: 'DIR', help: 'where the workshop is kept' } }
/** The course says more about itself: `toolkit lessons --help`. */
const learn: Command = {
  usage: 'learn [OPTIONS] [LESSON]',
  summary: 'Open the tutor, where you left off or at a lesson.',
  flags: {
    mouse: { help: 'the wheel scrolls, a click gives a pane the keys' },
    transcript: { value: 'FILE', help: 'write what the shell has shown to this new file when you leave' },
    yes: { short: 'y', help: 'do not ask before getting a busybox' },
  },
}

const lessonsJson = { json: { help: 'as JSON' } }
const lessons: Family = {
  name: 'lessons',
  summary: 'The course without a screen: for screen readers, pipes, scripts, bug reports.',
  commands: Object.fromEntries(
    [
      {
        usage: 'list [OPTIONS]',
        summary: 'List the lessons, their tasks, and what you have done.',
        flags: lessonsJson,
      },
      {
        usage: 'show [OPTIONS] LESSON [TASK]',
        summary: 'Print the text.',
        flags: { hints: { help: 'with the hints' }, after: { help: 'with what is read afterwards' }, ...lessonsJson },
      },
      { usage: 'module [OPTIONS] LESSON', summary: 'Print the module that the lesson is about.', flags: lessonsJson },
      { usage: 'recap [OPTIONS] LESSON', summary: 'Print what to keep of the lesson.', flags: lessonsJson },
      { usage: 'shell LESSON [TASK]', summary: 'Open a shell in a fresh lab, prepared for the task.', flags: {} },
      {
        usage: 'check [OPTIONS] LESSON TASK',
        summary: 'Type commands into a fresh lab, and print the verdict.',
        flags: { script: { value: 'FILE', help: 'the commands, a line each; - for stdin' }, ...lessonsJson },
      },
      {
        usage: 'solve [OPTIONS] LESSON TASK',
        summary: 'Print the solution.',
        flags: { run: { help: 'type it into a fresh lab' }, ...lessonsJson },
      },
      { usage: 'new DIR', summary: 'Begin a lesson of your own.', flags: {} },
      {
        usage: 'verify [OPTIONS] [LESSON | DIR]…',
        summary: 'Prove lessons.',
        flags: { quick: { help: 'only the text and the solutions in a row' }, ...lessonsJson },
      },
    ].map(row => [
      row.usage.split(' ')[0]!,
      { ...row, usage: `lessons ${row.usage}`, words: [0, 2] as const, run: () => 0 },
    ]),
  ),
}

/** docker's long forms of what is about one container, `toolkit container ls`; and what has no short one. */
export const container: Family = {
  name: 'container',
  summary: 'The same commands in docker’s long form: container ls, container inspect, …; and container prune.',
  commands: { prune: containerPrune },
}

/** So does `toolkit workshop --help`. */
const workshop: Family = {
  name: 'workshop',
  summary: 'A course for a room: the run-book, and a page with what each seat does.',
  commands: Object.fromEntries(
    (
      [
        {
          usage: 'serve [OPTIONS]',
          summary: 'Open the workshop.',
          flags: {
            listen: { value: 'ADDRESS:PORT', help: 'where (default: on this machine’s private address)' },
            as: { value: 'ADDRESS:PORT', help: 'what seats are told instead' },
            anywhere: { help: 'also on a public address' },
            ...workshopState,
          },
        },
        {
          usage: 'progress [OPTIONS]',
          summary: 'Print what each seat does.',
          flags: {
            json: { help: 'as JSON' },
            csv: { help: 'as CSV' },
            stuck: { value: 'MINUTES', help: 'after how long without a task a seat counts as stuck' },
            ...workshopState,
          },
        },
        {
          usage: 'goto [OPTIONS] LESSON',
          summary: 'Ask everybody to come to a lesson.',
          flags: { cancel: { help: 'take that back' }, ...workshopState },
        },
        {
          usage: 'reset [OPTIONS] SEAT',
          summary: 'Ask a seat to throw its lab away for a new one.',
          flags: { now: { help: 'without asking' }, ...workshopState },
        },
        { usage: 'forget [OPTIONS] SEAT', summary: 'Take a seat off the list.', flags: workshopState },
        {
          usage: 'join [OPTIONS] URL',
          summary: 'Report to a workshop from now on.',
          flags: {
            name: { value: 'NAME', help: 'the name of this seat' },
            later: { help: 'the server is not there yet' },
            anywhere: { help: 'its address need not be private' },
          },
        },
        { usage: 'status', summary: 'Say to whom this seat reports.', flags: {} },
        { usage: 'leave', summary: 'Report no more.', flags: {} },
      ] satisfies Command[]
    ).map(row => [
      row.usage.split(' ')[0],
      { ...row, usage: `workshop ${row.usage}`, words: [0, 1] as const, run: () => 0 },
    ]),
  ),
}

export const groups: readonly Group[] = [
  { title: 'The course', entries: [learn, lessons, workshop] },
  { title: 'Make and start containers', entries: [run, create, start, attach, exec, spec] },
  { title: 'Look at containers', entries: [ps, logs, inspect, stats, events, top, port, diff] },
  {
    title: 'End, change and remove them',
    entries: [stop, kill, restart, wait, pause, unpause, update, rename, cp, rm],
  },
  { title: 'What they share', entries: [volume, network] },
  { title: 'The engine and its state', entries: [system, info, version, container, completion] },
  { title: 'The kernel’s view', entries: [doctor, xray] },
]

/** The word by which one is called. */
export const nameOf = (entry: Entry): string => ('commands' in entry ? entry.name : entry.usage.split(' ')[0]!)

/** Other words for the same. */
export const ALIASES: Readonly<Record<string, string>> = { xray: 'inspect-process' }
