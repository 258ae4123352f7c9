// The workshop's server: seats report to it, the instructor's page and commands ask it. It answers to seven exact
// paths and reads no file for any of them.
//
// Whom it believes: a new seat by the room's code, a known one by its identity, the instructor by the key. It speaks
// plain HTTP, so whoever can listen to the room's network can read along.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Lesson } from '../lesson.ts'
import { type Endpoint, isPrivate, urlOf } from './address.ts'
import { EventStreams } from './events.ts'
import { toCsv, toJson } from './export.ts'
import { bearer, Refusal, readJson, send, sendJson } from './http.ts'
import { Buckets } from './limits.ts'
import { PAGE, PAGE_POLICY } from './page.ts'
import { decodeOrder, decodeReport, WAIT_MS } from './protocol.ts'
import { Room } from './room.ts'
import type { RoomFile } from './room-file.ts'
import { isSame, plainCode } from './secrets.ts'

export interface WorkshopOptions {
  readonly course: readonly Lesson[]
  readonly file: RoomFile
  readonly endpoint: Endpoint
  /** Where seats and browsers find it, if that is another address: of a machine that forwards a port to this one. */
  readonly shownAs?: Endpoint | undefined
  /** Take connections from addresses that are not private, too. */
  readonly anywhere?: boolean
  /** What goes wrong while it runs, a line each. */
  readonly warn?: (line: string) => void
  readonly waitMs?: number
}

export interface Workshop {
  readonly url: string
  readonly room: Room
  /** What a learner types after `toolkit workshop`. */
  readonly joinUrl: string
  readonly pageUrl: string
  close(): Promise<void>
}

const MAX_CONNECTIONS = 1024

/** Starts to listen. Rejects where the address cannot be had. */
export async function openWorkshop(options: WorkshopOptions): Promise<Workshop> {
  const { course, file, endpoint, shownAs, anywhere = false, warn = () => {}, waitMs = WAIT_MS } = options
  const { code, key } = file.stored
  const room = new Room(course, file.stored.room)
  const reports = new Buckets({ burst: 30, perSecond: 2 }) // by seat
  const wrong = new Buckets({ burst: 20, perSecond: 0.2 }) // wrong codes, and wrong keys, by address
  const waiting = new Map<string, Set<(left?: boolean) => void>>() // by seat: looks whether there is something to say
  const streams = new EventStreams(() => room.view())

  room.subscribe(() => {
    file.saveSoon(error => warn(error.message))
    streams.soon()
  })

  /** A code or key; who guesses is not listened to for a while, even with the right one. */
  function demand(given: string, secret: string, request: IncomingMessage, what: string): void {
    const address = `${request.socket.remoteAddress} ${what}`
    if (!wrong.has(address)) throw new Refusal(429, 'too many wrong tries from this address; wait a minute')
    if (isSame(given, secret)) return
    wrong.take(address)
    throw new Refusal(401, what)
  }
  const requireKey = (request: IncomingMessage) =>
    demand(bearer(request), key, request, "this needs the instructor's key")

  async function seat(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const report = decodeReport(await readJson(request))
    if (!report) throw new Refusal(400, 'this is no report of a seat')
    if (!room.knows(report.seat)) {
      demand(plainCode(bearer(request)), plainCode(code), request, "this is not the room's code")
      if (report.end === 'closed' || report.end === 'left') return sendJson(response, { number: 0, wishes: [] })
      if (room.full) throw new Refusal(503, 'the room is full')
    }
    if (!reports.take(report.seat)) throw new Refusal(429, 'too many reports')
    const answer = room.report(report)
    if (report.end === 'left') for (const look of waiting.get(report.seat) ?? []) look(true)
    if (!report.wait || answer.wishes.length > 0) return sendJson(response, answer)
    const release = room.hold(report.seat)
    const looks = waiting.get(report.seat) ?? new Set()
    waiting.set(report.seat, looks)
    const look = (left = false) => {
      const { number, wishes } = room.answerTo(report)
      if (left || wishes.length > 0 || number === 0) sendJson(response, { number, wishes })
    }
    const timer = setTimeout(() => sendJson(response, room.answerTo(report)), waitMs)
    looks.add(look)
    response.once('close', () => {
      clearTimeout(timer)
      looks.delete(look)
      if (looks.size === 0) waiting.delete(report.seat)
      release()
      streams.soon()
    })
  }

  async function commands(request: IncomingMessage, response: ServerResponse): Promise<void> {
    requireKey(request)
    const order = decodeOrder(await readJson(request))
    if (!order) throw new Refusal(400, 'this is no command')
    const refused = room.obey(order)
    if (refused) throw new Refusal(409, refused)
    file.save()
    for (const looks of [...waiting.values()]) for (const look of looks) look()
    sendJson(response, {})
  }

  let joinUrl = ''
  const routes: Record<string, (request: IncomingMessage, response: ServerResponse) => unknown> = {
    'GET /': (_, response) => send(response, 200, 'text/html', PAGE, PAGE_POLICY),
    'GET /api/room': (request, response) => {
      requireKey(request)
      sendJson(response, { join: joinUrl })
    },
    'GET /api/view': (request, response) => {
      requireKey(request)
      sendJson(response, room.view())
    },
    'GET /api/events': (request, response) => {
      requireKey(request)
      if (!streams.add(response)) throw new Refusal(503, 'too many pages are open')
    },
    'GET /api/progress.json': (request, response) => {
      requireKey(request)
      send(response, 200, 'application/json', toJson(room.view()))
    },
    'GET /api/progress.csv': (request, response) => {
      requireKey(request)
      send(response, 200, 'text/csv', toCsv(room.view()))
    },
    'POST /api/seat': seat,
    'POST /api/commands': commands,
  }

  const limits = {
    maxHeaderSize: 8192,
    headersTimeout: 5000,
    requestTimeout: 10_000, // to send all of it; who is slower is cut off
    connectionsCheckingInterval: 1000,
    keepAliveTimeout: 5000,
  }
  const server = createServer(limits, async (request, response) => {
    try {
      const name = `${request.method} ${request.url}`
      if (!Object.hasOwn(routes, name)) throw new Refusal(404, 'there is no such page')
      await routes[name]!(request, response)
    } catch (error) {
      if (!(error instanceof Refusal)) warn(`workshop: ${(error as Error).message}`)
      const status = error instanceof Refusal ? error.status : 500
      const message = error instanceof Refusal ? error.message : 'the server failed'
      sendJson(response, { error: message }, status)
    }
  })
  server.maxConnections = MAX_CONNECTIONS
  server.timeout = waitMs + 35_000 // a connection on which nothing moves
  server.on('connection', socket => {
    socket.on('error', () => {})
    if (!anywhere && !isPrivate(socket.remoteAddress ?? '')) socket.destroy()
  })
  server.listen(endpoint.port, endpoint.host)
  await once(server, 'listening')
  server.on('error', error => warn(`workshop: ${error.message}`))
  const { port } = server.address() as { port: number }
  const url = urlOf({ host: endpoint.host, port })
  const shown = shownAs ? urlOf(shownAs) : url
  joinUrl = `${shown}/${code}`
  file.begin(url)
  return {
    url,
    room,
    joinUrl,
    pageUrl: `${shown}/#${key}`,
    async close() {
      streams.close()
      file.save()
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
