// The instructor's page in a real browser, with a real server behind it and seats that report. TOOLKIT_SHOTS=DIR keeps
// pictures of it.
import { mkdirSync, writeFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { lessons } from '../../../lessons/index.ts'
import { newKey } from '../../../lessons/workshop/secrets.ts'
import { Browser, withoutBrowser } from './browser.ts'
import { TestRoom } from './world.ts'

const ids = (lesson: number) => lessons[lesson]!.tasks.map(({ id }) => id)
const at = (lesson: number, task: number) => ({ lesson: lessons[lesson]!.name, task: ids(lesson)[task]! })
const upTo = (count: number) => Object.fromEntries(lessons.slice(0, count).map(({ name }, i) => [name, ids(i)]))

describe.skipIf(withoutBrowser !== '')(`the page${withoutBrowser}`, { timeout: 60_000 }, () => {
  let room: TestRoom
  let browser: Browser
  beforeAll(async () => {
    browser = await Browser.open()
  })
  afterAll(() => browser?.close())
  beforeEach(async () => {
    room = await new TestRoom().start()
    browser.complaints.length = 0
    browser.requests.length = 0
    await browser.look(1200, 800, 'light')
  })
  afterEach(async () => {
    await browser.goTo('about:blank#')
    await room.end()
  })

  const open = async () => {
    await browser.goTo(room.workshop.pageUrl)
    await browser.until('document.querySelector("#sum").textContent !== ""')
  }
  const row = (number: number) =>
    `[...document.querySelectorAll('tbody tr')].find(tr => /^(Seat )?${number}\\b/.test(tr.cells[0].innerText))`
  async function shot(name: string) {
    const directory = process.env.TOOLKIT_SHOTS
    if (!directory) return
    mkdirSync(directory, { recursive: true })
    writeFileSync(`${directory}/${name}.png`, await browser.shot())
  }

  test('is live: seats come, go on, and go away while it is open', async () => {
    await open()
    await browser.until('document.body.innerText.includes("No seat has joined yet.")')
    const seat = newKey()
    await room.report({ seat, name: 'Anna', ...at(1, 2), done: upTo(1), hints: 2, idle: 5 })
    await browser.until(`${row(1)}?.innerText.includes('Lesson 1, 3 of 8: ')`)
    expect(await browser.evaluate(`${row(1)}.cells[0].innerText`)).toBe('1 Anna')
    expect(await browser.evaluate('document.querySelector("#sum").innerText')).toBe('1 seat, 1 here, 0 stuck')
    const widths = `[...${row(1)}.querySelectorAll('i')].map(i => parseFloat(getComputedStyle(i).backgroundSize))`
    expect(await browser.evaluate(widths)).toEqual([100, ...Array(20).fill(0)])
    await room.report({ seat, name: 'Anna', ...at(1, 2), done: { ...upTo(1), '01-chroot': ids(1).slice(0, 4) } })
    await browser.until(`${row(1)}.innerText.includes('task done')`)
    expect(await browser.evaluate(widths)).toEqual([100, 50, ...Array(19).fill(0)])
    await room.report({ seat, ...at(1, 2), end: 'closed' })
    await browser.until(`${row(1)}.innerText.includes('away for 1 s')`)
    expect(await browser.evaluate('document.querySelectorAll("tbody tr").length')).toBe(1)
    expect(browser.complaints).toEqual([])
  })

  test('the key leaves the address at once, a reload keeps it, and nothing is asked of anybody else', async () => {
    await open()
    expect(await browser.evaluate('location.href')).toBe(`${room.workshop.url}/`)
    await browser.send('Page.reload')
    await browser.until(
      'document.body.innerText.includes("No seat has joined yet.") && document.querySelector("#sum").textContent',
    )
    const strangers = browser.requests.filter(url => !url.startsWith(room.workshop.url) && !url.startsWith('about:'))
    expect(strangers).toEqual([])
    expect(browser.requests.some(url => url.includes(room.file.stored.key) && !url.includes('#'))).toBe(false)
    expect(browser.complaints.filter(text => !text.includes('favicon'))).toEqual([])
  })

  test('without the key it shows nothing and says why', async () => {
    await room.report({ name: 'Anna' })
    await browser.goTo(`${room.workshop.url}/#wrong`)
    await browser.until('document.querySelector("#trouble").innerText.includes("needs the instructor\'s key")')
    expect(await browser.text()).not.toContain('Anna')
    const asked = browser.requests.length
    await new Promise(resolve => setTimeout(resolve, 2500))
    expect(browser.requests).toHaveLength(asked)
  })

  test('names are text, whatever is in them', async () => {
    await open()
    const hostile = [
      '<img src=x onerror=hit()>',
      '</td><script>hit()</script>',
      '"><svg onload=hit()>',
      '\u202eevil',
      '&lt;b&gt;`',
    ]
    await browser.evaluate('window.hit = () => { window.wasHit = true }')
    await Promise.all(hostile.map(name => room.report({ name })))
    await browser.until('document.querySelectorAll("tbody tr").length === 5')
    expect(await browser.evaluate('document.querySelectorAll("tbody img, tbody svg, tbody script").length')).toBe(0)
    expect(await browser.evaluate('window.wasHit ?? false')).toBe(false)
    expect(await browser.text()).toContain('<img src=x onerror=hit()>')
    // and what got onto the page all the same would not run
    await browser.evaluate(
      `document.body.insertAdjacentHTML('beforeend', '<b onclick="hit()" id=b>x</b>'); document.querySelector('#b').click()`,
    )
    expect(await browser.evaluate('window.wasHit ?? false')).toBe(false)
  })

  test('everybody to lesson 6, by hand and taken back', async () => {
    await open()
    const waiting = room.report({ ...at(1, 0), wait: true })
    await browser.until(row(1))
    await browser.evaluate(`document.querySelector('#lesson').value = '06-net'`)
    await browser.click('#call button.main')
    expect((await waiting).wishes).toEqual([{ id: 1, kind: 'goto', lesson: '06-net' }])
    await browser.until(`${row(1)}.innerText.includes('asked to come')`)
    await browser.until(
      'document.querySelector("#called").innerText === "Called to lesson 6: 0 are there, 1 have not answered."',
    )
    await browser.click('#cancel')
    await browser.until('document.querySelector("#called").innerText === ""')
    expect((await room.view()).call).toBeNull()
  })

  test('a reset, by the keyboard alone: asked, and at once', async () => {
    await open()
    const seat = newKey()
    const first = room.report({ seat, name: 'Anna', wait: true })
    await browser.until(row(1))
    await browser.evaluate(`${row(1)}.querySelector('button').focus()`)
    await browser.press('Enter')
    await browser.until('document.querySelector("#ask").open && document.activeElement.value === "ask"')
    expect(await browser.evaluate('document.querySelector("#who").innerText')).toBe('Seat 1, Anna')
    await browser.press('Enter')
    expect((await first).wishes).toEqual([{ id: 1, kind: 'reset', now: false }])
    const second = room.report({ seat, name: 'Anna', wait: true, received: 1 })
    await browser.until(`${row(1)}.innerText.includes('asked for a reset')`)
    await browser.click('tbody button')
    await browser.click('#ask button[value=now]')
    expect((await second).wishes).toEqual([{ id: 2, kind: 'reset', now: true }])
    // nothing, and off the list
    await browser.click('tbody button')
    await browser.press('Escape')
    await browser.until('!document.querySelector("#ask").open')
    expect(room.workshop.room.stored.seats).toHaveLength(1)
    await browser.click('tbody button')
    await browser.click('#ask button[value=forget]')
    await browser.until('document.body.innerText.includes("No seat has joined yet.")')
  })

  test('the server goes and comes again: the page says so, and goes on', { timeout: 30_000 }, async () => {
    await open()
    await room.report({ name: 'Anna' })
    await browser.until(row(1))
    await room.stop()
    await browser.until('/what you see is old/.test(document.querySelector("#trouble").innerText)')
    await room.start()
    await room.report({ name: 'Béla' })
    await browser.until(row(2), 10_000)
    expect(await browser.evaluate('document.querySelector("#trouble").hidden')).toBe(true)
  })

  test('thirty seats: stuck after as many minutes as one likes, ordered, on a wide screen and on a phone', async () => {
    for (let i = 0; i < 30; i++) {
      const lesson = (i * 7) % 8
      const here = Array.from({ length: i % 4 }, (_, task) => ids(lesson)[task]!)
      const done = { ...upTo(lesson), [lessons[lesson]!.name]: here }
      const name = ['Anna', '', 'Béla', 'a-very-long-name-without-a-space', 'Jürgen K.', '李雷'][i % 6]!
      await room.report({
        seat: `seat-number-${1000 + i}`,
        name,
        ...at(lesson, (i * 3) % 4),
        done,
        hints: i % 3,
        idle: i * 9,
      })
    }
    const { seats } = room.workshop.room.stored
    seats.forEach((seat, i) => {
      seat.since -= (i % 10) * 120_000
      if (i % 11 === 10) seat.seenAt -= 300_000
    })
    await open()
    await browser.until('document.querySelectorAll("tbody tr").length === 30')
    const stuck = `document.querySelectorAll('td.stuck').length`
    const ten = await browser.evaluate<number>(stuck)
    expect(ten).toBeGreaterThan(3)
    await browser.evaluate(
      `document.querySelector('#stuck').value = 2; document.querySelector('#stuck').dispatchEvent(new Event('input'))`,
    )
    expect(await browser.evaluate<number>(stuck)).toBeGreaterThan(ten)
    await browser.evaluate(
      `document.querySelector('#order').value = 'stuck'; document.querySelector('#order').dispatchEvent(new Event('change'))`,
    )
    expect(await browser.evaluate(`document.querySelector('tbody tr td.state').innerText`)).toMatch(/stuck for 18 min/)
    const names = await browser.tree()
    for (const wanted of ['table ', 'columnheader Seat', 'rowheader 1 Anna', 'button Reset seat 1…'])
      expect(
        names.some(name => name.startsWith(wanted)),
        wanted,
      ).toBe(true)
    expect(names.filter(name => /^(img|image) \d+ of 134 tasks done; lessons finished: /.test(name))).toHaveLength(30)
    await browser.click('#showJoin')
    await browser.until('document.querySelector("#join").innerText.includes("toolkit workshop join http://127.0.0.1:")')
    const sizes = [
      ['wide', 1200, 800],
      ['phone', 360, 740],
    ] as const
    for (const [name, width, height] of sizes)
      for (const scheme of ['light', 'dark'] as const) {
        await browser.look(width, height, scheme)
        await browser.evaluate('scrollTo(0, 0)')
        if (name === 'phone') await browser.evaluate(`document.querySelector('caption').scrollIntoView()`)
        await shot(`${name}-${scheme}`)
        expect(await browser.evaluate('document.documentElement.scrollWidth'), name).toBeLessThanOrEqual(width)
      }
    // a table still, for who does not see it
    expect((await browser.tree()).filter(name => name.startsWith('rowheader '))).toHaveLength(30)
    expect(await browser.evaluate(CONTRAST)).toBeGreaterThan(4.5)
    await browser.look(1200, 800, 'light')
    expect(await browser.evaluate(CONTRAST)).toBeGreaterThan(4.5)
    expect(browser.complaints.filter(text => !text.includes('favicon'))).toEqual([])
  })
})

/** The least contrast of a text on the page, as WCAG 2 counts it. */
const CONTRAST = `(() => {
  const parse = text => text.match(/[\\d.]+/g).map(Number)
  const light = ([r, g, b]) => [r, g, b].map(c => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0)
  const back = node => { for (; node; node = node.parentElement) { const c = parse(getComputedStyle(node).backgroundColor); if (c[3] !== 0) return c } return [255, 255, 255] }
  const all = [...document.querySelectorAll('body *')].filter(node => node.checkVisibility() && [...node.childNodes].some(child => child.nodeType === 3 && child.data.trim()))
  return Math.min(...all.map(node => {
    const [a, b] = [light(parse(getComputedStyle(node).color)), light(back(node))].sort((x, y) => y - x)
    return (a + 0.05) / (b + 0.05)
  }))
})()`
