// The instructor's side of a workshop: the server, and commands that ask the one which runs.

import { UsageError } from '../../toolkit/kernel/usage-error.ts'
import { lessons } from '../index.ts'
import { chooseEndpoint, parseShownAs, urlOf } from '../workshop/address.ts'
import { toCsv, toJson, toText } from '../workshop/export.ts'
import { ask, PostError } from '../workshop/post.ts'
import type { Order } from '../workshop/protocol.ts'
import { Room } from '../workshop/room.ts'
import { defaultDirectory, RoomFile } from '../workshop/room-file.ts'
import { openWorkshop } from '../workshop/server.ts'
import { findLesson, parse, print } from './options.ts'
import { number } from './workshop.ts'

const STATE = { state: { type: 'string' } } as const
const ASK_MS = 5000

const open = (state: string | boolean | undefined) => new RoomFile((state as string | undefined) ?? defaultDirectory())

export async function serve(argv: readonly string[]): Promise<number> {
  const options = {
    ...STATE,
    listen: { type: 'string' },
    as: { type: 'string' },
    anywhere: { type: 'boolean' },
  } as const
  const { flags } = parse('workshop serve', argv, options, 0)
  const anywhere = flags.anywhere === true
  const endpoint = chooseEndpoint(flags.listen as string | undefined, anywhere)
  const shownAs = flags.as === undefined ? undefined : parseShownAs(flags.as as string)
  const file = open(flags.state)
  if (file.running) throw new UsageError(`workshop serve: this workshop is open already, at ${file.running}`)
  const warn = (line: string) => void process.stderr.write(`toolkit: ${line}\n`)
  if (file.warning) warn(file.warning)
  const seats = file.stored.room.seats.length
  const workshop = await openWorkshop({ course: lessons, file, endpoint, shownAs, anywhere, warn }).catch(error => {
    const { code } = error as NodeJS.ErrnoException
    if (!code || !/^E[A-Z]+$/.test(code)) throw error
    const why = { EADDRINUSE: 'somebody else listens there', EADDRNOTAVAIL: 'this machine does not have that address' }
    throw new UsageError(
      `workshop serve: cannot listen at ${urlOf(endpoint)}: ${why[code as keyof typeof why] ?? code}; choose another with --listen`,
    )
  })
  print(`The workshop is open${seats > 0 ? `, with the ${seats === 1 ? 'seat' : `${seats} seats`} of last time` : ''}. On each seat, once:

  toolkit workshop join ${workshop.joinUrl}

Your page. It commands the seats, so the link is for you alone:

  ${workshop.pageUrl}

In another terminal: toolkit workshop progress, goto LESSON, reset SEAT.
All of it is kept in ${file.file}
Ctrl-C closes the workshop; the next 'serve' goes on with the same code and seats.`)
  await new Promise<void>(resolve => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve())
  })
  await workshop.close()
  return 0
}

export async function progress(argv: readonly string[]): Promise<number> {
  const options = { ...STATE, json: { type: 'boolean' }, csv: { type: 'boolean' }, stuck: { type: 'string' } } as const
  const { flags } = parse('workshop progress', argv, options, 0)
  const stuck = number('--stuck', flags.stuck ?? '10', 600)
  if (flags.json && flags.csv) throw new UsageError('workshop progress: --json or --csv, not both')
  const file = open(flags.state)
  const { server, room } = file.stored
  if (!server)
    throw new UsageError(`workshop progress: there is no workshop in ${file.file}; 'toolkit workshop serve' opens one`)
  const { running } = file
  // Without its server, what it has kept is all there is.
  const view = running
    ? JSON.parse(await askServer(running, file.stored.key, '/api/view'))
    : new Room(lessons, room).view()
  if (flags.json) process.stdout.write(toJson(view))
  else if (flags.csv) process.stdout.write(toCsv(view))
  else print(toText(view, stuck))
  if (!running) process.stderr.write('toolkit: the workshop is not open; this is what it has kept\n')
  return 0
}

export async function goto(argv: readonly string[]): Promise<number> {
  const { flags, words } = parse('workshop goto', argv, { ...STATE, cancel: { type: 'boolean' } }, 1)
  if (flags.cancel && words.length > 0) throw new UsageError('workshop goto: a lesson or --cancel, not both')
  const lesson = flags.cancel ? undefined : findLesson(words[0], 'workshop goto')
  await command('goto', flags.state, { do: 'goto', lesson: lesson?.name ?? null })
  print(lesson ? `Every seat is asked to come to ${lesson.name}, ${lesson.title}.` : 'Nobody is called anywhere now.')
  return 0
}

export async function reset(argv: readonly string[]): Promise<number> {
  const { flags, words } = parse('workshop reset', argv, { ...STATE, now: { type: 'boolean' } }, 1)
  const seat = seatNumber(words[0], 'reset')
  await command('reset', flags.state, { do: 'reset', seat, now: flags.now === true })
  print(flags.now ? `Seat ${seat} gets a new lab.` : `Seat ${seat} is asked to start its lab anew.`)
  return 0
}

export async function forget(argv: readonly string[]): Promise<number> {
  const { flags, words } = parse('workshop forget', argv, STATE, 1)
  const seat = seatNumber(words[0], 'forget')
  await command('forget', flags.state, { do: 'forget', seat })
  print(`Seat ${seat} is off the list. If it reports again, it gets a new number.`)
  return 0
}

function seatNumber(word: string | undefined, name: string): number {
  if (word === undefined || !/^\d{1,6}$/.test(word))
    throw new UsageError(`workshop ${name}: which seat? Give its number; 'toolkit workshop progress' lists them`)
  return Number(word)
}

async function command(name: string, state: string | boolean | undefined, order: Order): Promise<void> {
  const file = open(state)
  const { running } = file
  if (!running) throw new UsageError(`workshop ${name}: no workshop is open here; 'toolkit workshop serve' opens one`)
  await askServer(running, file.stored.key, '/api/commands', order)
}

async function askServer(url: string, secret: string, path: string, body?: Order): Promise<string> {
  try {
    return await ask(url + path, { method: body ? 'POST' : 'GET', secret, body, timeout: ASK_MS })
  } catch (error) {
    const why = error instanceof PostError ? error.message : `${url} does not answer (${(error as Error).message})`
    throw new UsageError(`workshop: ${why}`)
  }
}
