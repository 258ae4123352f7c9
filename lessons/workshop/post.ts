// One JSON request to the workshop's server and its answer; nothing is followed, and nothing large is taken.
import { Agent, type OutgoingHttpHeaders, request } from 'node:http'

const MOST_BYTES = 1 << 20

/** The server's own words about why not. */
export class PostError extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

export interface Ask {
  readonly method?: 'GET' | 'POST'
  /** What lets us in: the room's code or the instructor's key. */
  readonly secret: string
  readonly body?: unknown
  readonly timeout: number
  readonly signal?: AbortSignal
  readonly agent?: Agent
}

/** Resolves to the text of a success. Rejects with PostError, or where there is no answer in time. */
export function ask(url: string, { method = 'POST', secret, body, timeout, signal, agent }: Ask): Promise<string> {
  return new Promise((resolve, reject) => {
    const text = body === undefined ? undefined : JSON.stringify(body)
    const headers: OutgoingHttpHeaders = { authorization: `Bearer ${secret}` }
    if (text !== undefined)
      Object.assign(headers, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) })
    const asked = request(
      url,
      { method, headers, agent: agent ?? new Agent(), signal: signal as AbortSignal },
      answer => {
        const parts: Buffer[] = []
        let length = 0
        answer.on('data', (part: Buffer) => {
          length += part.length
          if (length > MOST_BYTES) asked.destroy(new Error('the answer is too long'))
          else parts.push(part)
        })
        answer.on('error', fail)
        answer.on('end', () => {
          clearTimeout(timer)
          const said = Buffer.concat(parts).toString()
          const { statusCode = 0 } = answer
          if (statusCode === 200) resolve(said)
          else reject(new PostError(statusCode, errorOf(said) ?? `it answers ${statusCode}`))
        })
      },
    )
    const timer = setTimeout(() => asked.destroy(new Error('no answer in time')), timeout)
    function fail(error: Error): void {
      clearTimeout(timer)
      reject(error)
    }
    asked.on('error', fail)
    asked.end(text)
  })
}

function errorOf(text: string): string | undefined {
  try {
    const { error } = JSON.parse(text) as { error?: unknown }
    return typeof error === 'string' ? error.replace(/[\p{C}]/gu, '').slice(0, 200) : undefined
  } catch {
    return undefined
  }
}
