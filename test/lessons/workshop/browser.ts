// A real browser for tests, driven over its debugging protocol: nothing but a browser has to be installed.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const NAMES = ['chromium-headless-shell', 'chrome-headless-shell', 'chromium', 'chromium-browser', 'google-chrome']

function find(): string | undefined {
  const paths = (process.env.PATH ?? '').split(':').flatMap(folder => NAMES.map(name => join(folder, name)))
  return paths.find(path => {
    try {
      accessSync(path, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

const browser = find()

/** The end of a title where there is none. */
export const withoutBrowser = browser ? '' : ' (skipped: no chromium on PATH)'

interface Message {
  readonly id?: number
  readonly method?: string
  readonly params?: { readonly [key: string]: unknown }
  readonly result?: { readonly [key: string]: unknown }
  readonly error?: { readonly message: string }
}

export class Browser {
  readonly #directory = mkdtempSync(join(tmpdir(), 'browser-'))
  readonly #child: ChildProcess
  readonly #answers = new Map<
    number,
    { resolve: (result: Message['result']) => void; reject: (error: Error) => void }
  >()
  #socket!: WebSocket
  #last = 0
  /** What the page has complained about: exceptions, errors on the console, what its policy has stopped. */
  readonly complaints: string[] = []
  /** Every address that it has asked for. */
  readonly requests: string[] = []

  private constructor() {
    const flags = [
      '--headless',
      '--no-sandbox', // tests run as root
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--disable-background-networking',
      '--remote-debugging-port=0',
      `--user-data-dir=${this.#directory}`,
    ]
    // a group of its own: what is on PATH may be a script, and the browser has helpers
    this.#child = spawn(browser!, [...flags, 'about:blank'], { stdio: 'ignore', detached: true })
  }

  static async open(): Promise<Browser> {
    const opened = new Browser()
    await opened.#connect().catch(async error => {
      await opened.close()
      throw error
    })
    return opened
  }

  async #connect(): Promise<void> {
    const file = join(this.#directory, 'DevToolsActivePort')
    for (let tries = 0; !existsSync(file) || !readFileSync(file, 'utf8').includes('\n'); tries++) {
      if (tries > 300) throw new Error('the browser did not start')
      await sleep(100)
    }
    const [port] = readFileSync(file, 'utf8').split('\n')
    const targets = (await (await fetch(`http://127.0.0.1:${port}/json`)).json()) as {
      type: string
      webSocketDebuggerUrl: string
    }[]
    this.#socket = new WebSocket(targets.find(({ type }) => type === 'page')!.webSocketDebuggerUrl)
    await once(this.#socket, 'open')
    this.#socket.addEventListener('message', ({ data }) => this.#hear(JSON.parse(String(data)) as Message))
    for (const domain of ['Page', 'Runtime', 'Network', 'Log']) await this.send(`${domain}.enable`)
  }

  #hear({ id, method, params = {}, result, error }: Message): void {
    if (id !== undefined) {
      const waiting = this.#answers.get(id)
      this.#answers.delete(id)
      if (error) waiting?.reject(new Error(error.message))
      else waiting?.resolve(result)
    } else if (method === 'Runtime.exceptionThrown' || method === 'Log.entryAdded')
      this.complaints.push(JSON.stringify(params))
    else if (method === 'Network.requestWillBeSent') this.requests.push((params.request as { url: string }).url)
  }

  send(method: string, params: object = {}): Promise<{ readonly [key: string]: unknown } | undefined> {
    const id = ++this.#last
    return new Promise((resolve, reject) => {
      this.#answers.set(id, { resolve, reject })
      this.#socket.send(JSON.stringify({ id, method, params }))
    })
  }

  async goTo(url: string): Promise<void> {
    await this.send('Page.navigate', { url })
    await this.until('document.readyState === "complete" && location.href !== "about:blank"')
  }

  /** The value of an expression in the page. */
  async evaluate<Value>(expression: string): Promise<Value> {
    const options = { expression, returnByValue: true, awaitPromise: true, userGesture: true }
    const { result, exceptionDetails } = (await this.send('Runtime.evaluate', options)) as {
      result: { value: Value }
      exceptionDetails?: object
    }
    if (exceptionDetails) throw new Error(JSON.stringify(exceptionDetails))
    return result.value
  }

  /** Waits until an expression in the page is true. */
  async until(expression: string, milliseconds = 6000): Promise<void> {
    const deadline = performance.now() + milliseconds
    while (!(await this.evaluate<boolean>(`Boolean(${expression})`).catch(() => false))) {
      if (performance.now() > deadline)
        throw new Error(`waited in vain for ${expression}\n${await this.text()}\n${this.complaints.join('\n')}`)
      await sleep(50)
    }
  }

  text = (): Promise<string> => this.evaluate<string>('document.body.innerText')

  async press(key: string): Promise<void> {
    const code = { Enter: 13, Tab: 9, Escape: 27 }[key]
    const event = { key, code: key, windowsVirtualKeyCode: code, ...(key === 'Enter' && { text: '\r' }) }
    await this.send('Input.dispatchKeyEvent', { type: 'keyDown', ...event })
    await this.send('Input.dispatchKeyEvent', { type: 'keyUp', ...event })
  }

  /** A click of a real pointer on the middle of what a selector finds. */
  async click(selector: string): Promise<void> {
    const find = `document.querySelector(${JSON.stringify(selector)})`
    const [x, y] = await this.evaluate<[number, number]>(
      `(() => { ${find}.scrollIntoView({ block: 'center' }); const r = ${find}.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2] })()`,
    )
    const at = { x, y, button: 'left', clickCount: 1 }
    await this.send('Input.dispatchMouseEvent', { type: 'mousePressed', ...at })
    await this.send('Input.dispatchMouseEvent', { type: 'mouseReleased', ...at })
  }

  async look(width: number, height: number, scheme: 'light' | 'dark'): Promise<void> {
    await this.send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: width < 600 })
    await this.send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }] })
  }

  /** A PNG of what is shown. */
  async shot(): Promise<Buffer> {
    const { data } = (await this.send('Page.captureScreenshot', { format: 'png' })) as { data: string }
    return Buffer.from(data, 'base64')
  }

  /** The accessibility tree, as `role name` lines. */
  async tree(): Promise<string[]> {
    type Node = { ignored: boolean; role?: { value: string }; name?: { value: string } }
    const { nodes } = (await this.send('Accessibility.getFullAXTree')) as { nodes: Node[] }
    return nodes.filter(({ ignored }) => !ignored).map(({ role, name }) => `${role?.value} ${name?.value ?? ''}`)
  }

  async close(): Promise<void> {
    this.#socket?.close()
    const ended =
      this.#child.exitCode === null && this.#child.signalCode === null ? once(this.#child, 'exit') : undefined
    if (ended) process.kill(-this.#child.pid!, 'SIGKILL')
    await ended
    for (let tries = 0; tries < 20; tries++) {
      try {
        rmSync(this.#directory, { recursive: true, force: true })
        return
      } catch {
        await sleep(100) // its helpers still write
      }
    }
  }
}
