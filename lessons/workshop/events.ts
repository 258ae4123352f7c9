// What an open page is sent: the whole room as a server-sent event, at most once a second, and a sign of life between.
import type { ServerResponse } from 'node:http'
import { HEADERS, NO_CONTENT_POLICY } from './http.ts'
import type { RoomView } from './room.ts'

const MOST = 20
const SOON_MS = 300
const SIGN_MS = 10_000
/** Bytes that a page may leave unread before it is cut off; it comes again by itself. */
const MOST_UNREAD = 1 << 20

export class EventStreams {
  readonly #view: () => RoomView
  readonly #open = new Set<ServerResponse>()
  #soon: NodeJS.Timeout | undefined
  #sign: NodeJS.Timeout | undefined
  #sentAt = 0

  constructor(view: () => RoomView) {
    this.#view = view
  }

  /** False where there are too many. */
  add(response: ServerResponse): boolean {
    if (this.#open.size >= MOST) return false
    response.writeHead(200, {
      ...HEADERS,
      'content-security-policy': NO_CONTENT_POLICY,
      'content-type': 'text/event-stream; charset=utf-8',
    })
    response.write(`data: ${JSON.stringify(this.#view())}\n\n`)
    this.#open.add(response)
    response.once('close', () => {
      this.#open.delete(response)
      if (this.#open.size > 0) return
      clearInterval(this.#sign)
      this.#sign = undefined
    })
    // Ages grow without news, and who has gone away says nothing: now and then all is sent anew.
    this.#sign ??= setInterval(() => this.#send(), SIGN_MS)
    return true
  }

  /** Something has changed. */
  soon(): void {
    if (this.#open.size === 0) return
    const wait = Math.max(SOON_MS, this.#sentAt + 1000 - performance.now())
    this.#soon ??= setTimeout(() => this.#send(), wait)
  }

  #send(): void {
    clearTimeout(this.#soon)
    this.#soon = undefined
    this.#sentAt = performance.now()
    const event = `data: ${JSON.stringify(this.#view())}\n\n`
    for (const response of this.#open) {
      if (response.writableLength > MOST_UNREAD) response.destroy()
      else if (!response.destroyed) response.write(event)
    }
  }

  close(): void {
    clearTimeout(this.#soon)
    clearInterval(this.#sign)
    for (const response of this.#open) response.end()
  }
}
