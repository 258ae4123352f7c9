// What every answer of the workshop's server has in common, and how much it takes from a stranger.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { MAX_BODY } from './protocol.ts'

/** An answer that is no success; the text is one line. */
export class Refusal extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** No page of another origin may read anything, frame it, or be told where it was: there are no CORS headers either. */
export const HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'x-frame-options': 'DENY',
}
export const NO_CONTENT_POLICY = "default-src 'none'; frame-ancestors 'none'"

export function send(response: ServerResponse, status: number, type: string, body: string, policy = NO_CONTENT_POLICY) {
  if (response.headersSent || response.destroyed) return
  const length = Buffer.byteLength(body)
  response.writeHead(status, {
    ...HEADERS,
    'content-security-policy': policy,
    'content-type': `${type}; charset=utf-8`,
    'content-length': length,
    // Of a request that was refused the rest may still be on its way.
    ...(status >= 400 && { connection: 'close' }),
  })
  response.end(body)
}

export const sendJson = (response: ServerResponse, value: unknown, status = 200) =>
  send(response, status, 'application/json', JSON.stringify(value))

/** The body as JSON. Throws Refusal: too large, or none. */
export function readJson(request: IncomingMessage): Promise<unknown> {
  return new Promise((resolve, reject) => {
    if (!/^application\/json\b/.test(request.headers['content-type'] ?? ''))
      return reject(new Refusal(415, 'send application/json'))
    if (Number(request.headers['content-length'] ?? 0) > MAX_BODY) return reject(new Refusal(413, 'too large'))
    const parts: Buffer[] = []
    let length = 0
    request.on('data', (part: Buffer) => {
      length += part.length
      if (length > MAX_BODY) reject(new Refusal(413, 'too large'))
      else parts.push(part)
    })
    request.on('error', () => reject(new Refusal(400, 'the request broke off')))
    request.on('end', () => {
      try {
        resolve(JSON.parse(Buffer.concat(parts).toString()))
      } catch {
        reject(new Refusal(400, 'this is no JSON'))
      }
    })
  })
}

/** What follows `Bearer` in the authorization; empty where there is none. */
export const bearer = (request: IncomingMessage): string =>
  /^Bearer +(\S{1,128})$/.exec(request.headers.authorization ?? '')?.[1] ?? ''
