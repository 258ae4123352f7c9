// A seat's side of a workshop: whether it reports, and to whom.
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { UsageError } from '../../toolkit/kernel/usage-error.ts'
import { lessons } from '../index.ts'
import { openProgress } from '../progress.ts'
import { isPrivate } from '../workshop/address.ts'
import {
  endMembership,
  keepMembership,
  type Membership,
  newMembership,
  parseJoinUrl,
  readMembership,
} from '../workshop/membership.ts'
import { ask, PostError } from '../workshop/post.ts'
import { cleanName, decodeAnswer, type Report } from '../workshop/protocol.ts'
import { parse, print } from './options.ts'

const ASK_MS = 5000

/** What the learner is told before anything is reported. */
const WHAT = `While the tutor is open it tells the instructor: your lesson and task, which
tasks are done, how many hints are shown, how long ago you pressed a key, and
the name. Nothing that you type or see, and nobody else.`

export async function join(argv: readonly string[]): Promise<number> {
  const options = { name: { type: 'string' }, later: { type: 'boolean' }, anywhere: { type: 'boolean' } } as const
  const { flags, words } = parse('workshop join', argv, options, 1)
  if (words[0] === undefined) throw new UsageError("workshop join: give the URL that 'toolkit workshop serve' prints")
  const target = parseJoinUrl(words[0])
  if (!flags.anywhere) await requirePrivate(target.url)
  const membership = newMembership(target, cleanName((flags.name as string | undefined) ?? ''), readMembership())
  let number: number | undefined
  if (!flags.later) {
    try {
      number = await tell(membership)
    } catch (error) {
      throw new UsageError(
        error instanceof PostError
          ? `workshop join: ${target.url}: ${error.message}`
          : `workshop join: ${target.url} does not answer (${(error as Error).message}); is this seat in the room's network? --later joins without asking`,
      )
    }
  }
  keepMembership(membership)
  const as = membership.name === '' ? '' : `, as ${membership.name}`
  print(`This seat${number === undefined ? '' : ` is number ${number}; it`} reports to ${target.url}${as}.
${WHAT}
'toolkit workshop leave' ends it. A tutor that is open now begins with its next start.`)
  return 0
}

export async function status(argv: readonly string[]): Promise<number> {
  parse('workshop status', argv, {}, 0)
  const membership = readMembership()
  if (!membership) {
    print('This seat reports to nobody.')
    return 0
  }
  const { url, name } = membership
  print(`This seat reports to ${url}${name === '' ? '' : `, as ${name}`}.\n${WHAT}`)
  try {
    print(`The server is there, and this is seat ${await tell(membership)}.`)
    return 0
  } catch (error) {
    print(`But ${error instanceof PostError ? error.message : `it cannot be reached (${(error as Error).message})`}.`)
    return 1
  }
}

export async function leave(argv: readonly string[]): Promise<number> {
  parse('workshop leave', argv, {}, 0)
  const membership = readMembership()
  endMembership()
  if (!membership) {
    print('This seat reported to nobody.')
    return 0
  }
  const heard = await tell(membership, 'left').catch(() => undefined)
  print(`This seat reports to nobody any more.${heard === undefined ? ' The server could not be told.' : ''}`)
  return 0
}

/** One report, from what is kept; the seat's number. */
async function tell(membership: Membership, end: 'left' | 'asks' = 'asks'): Promise<number> {
  const { url, code, seat, name, answered } = membership
  const { place, isDone } = openProgress()
  const done = lessons.map(lesson => {
    return [lesson.name, lesson.tasks.map(({ id }) => id).filter(id => isDone(lesson.name, id))] as const
  })
  const lesson = lessons.find(({ name }) => name === place?.lesson) ?? lessons[0]!
  const task = lesson.tasks.find(({ id }) => id === place?.task) ?? lesson.tasks[0]!
  const report: Report = {
    seat,
    name,
    lesson: lesson.name,
    task: task.id,
    done: Object.fromEntries(done),
    hints: 0,
    idle: 0,
    uptime: 0,
    received: answered,
    answered,
    wait: false,
    end,
  }
  const answer = decodeAnswer(JSON.parse(await ask(`${url}/api/seat`, { secret: code, body: report, timeout: ASK_MS })))
  if (!answer) throw new PostError(200, 'it is no workshop')
  return answer.number
}

async function requirePrivate(url: string): Promise<void> {
  const host = new URL(url).hostname.replace(/^\[|\]$/g, '')
  let address = host
  if (isIP(host) === 0) {
    try {
      address = (await lookup(host)).address
    } catch {
      throw new UsageError(`workshop join: no address is known for ${host}`)
    }
  }
  if (!isPrivate(address))
    throw new UsageError(
      `workshop join: ${host} is not in a private network, so reports would leave the room; --anywhere allows that`,
    )
}
