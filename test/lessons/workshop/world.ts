// A workshop on loopback with a state directory of its own, and seats that are nothing but their reports.
import { mkdtempSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { lessons } from '../../../lessons/index.ts'
import type { Answer, Order, Report } from '../../../lessons/workshop/protocol.ts'
import type { RoomView } from '../../../lessons/workshop/room.ts'
import { RoomFile } from '../../../lessons/workshop/room-file.ts'
import { newKey } from '../../../lessons/workshop/secrets.ts'
import { openWorkshop, type Workshop } from '../../../lessons/workshop/server.ts'

export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}

export function http(url: string, options: { method?: string; headers?: Record<string, string>; body?: string } = {}) {
  return new Promise<Reply>((resolve, reject) => {
    const asked = request(url, { method: options.method ?? 'GET', headers: options.headers, agent: false }, answer => {
      let text = ''
      answer.setEncoding('utf8').on('data', part => {
        text += part
      })
      answer.on('end', () => resolve({ status: answer.statusCode!, headers: answer.headers, text }))
      answer.on('error', reject)
    })
    asked.on('error', reject)
    asked.end(options.body)
  })
}

export const report = (change: Partial<Report> = {}): Report => ({
  seat: newKey(),
  name: '',
  lesson: '00-start',
  task: lessons[0]!.tasks[0]!.id,
  done: {},
  hints: 0,
  idle: 0,
  uptime: 10,
  received: 0,
  answered: 0,
  wait: false,
  ...change,
})

export class TestRoom {
  readonly directory = mkdtempSync(join(tmpdir(), 'workshop-'))
  readonly warnings: string[] = []
  workshop!: Workshop
  file!: RoomFile
  #port = 0

  /** Starts the server; after `stop` once more at the same address. */
  async start(waitMs?: number): Promise<this> {
    this.file = new RoomFile(this.directory)
    this.workshop = await openWorkshop({
      course: lessons,
      file: this.file,
      endpoint: { host: '127.0.0.1', port: this.#port },
      warn: line => void this.warnings.push(line),
      ...(waitMs !== undefined && { waitMs }),
    })
    this.#port = Number(new URL(this.workshop.url).port)
    return this
  }

  stop = (): Promise<void> => this.workshop.close()

  async end(): Promise<void> {
    await this.stop()
    rmSync(this.directory, { recursive: true })
  }

  post(path: string, secret: string, body: unknown): Promise<Reply> {
    const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json' }
    return http(this.workshop.url + path, { method: 'POST', headers, body: JSON.stringify(body) })
  }

  get(path: string, secret = this.file.stored.key): Promise<Reply> {
    return http(this.workshop.url + path, { headers: { authorization: `Bearer ${secret}` } })
  }

  async report(change: Partial<Report> = {}): Promise<Answer> {
    const { status, text } = await this.post('/api/seat', this.file.stored.code, report(change))
    if (status !== 200) throw new Error(`${status}: ${text}`)
    return JSON.parse(text) as Answer
  }

  order = (order: Order): Promise<Reply> => this.post('/api/commands', this.file.stored.key, order)

  async view(): Promise<RoomView> {
    return JSON.parse((await this.get('/api/view')).text) as RoomView
  }
}
