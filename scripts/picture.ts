// Makes the picture in the README: opens the tutor on a real terminal (tmux), does what a learner would do, and turns
// the screen into an SVG. Needs root and tmux:
//
//   bin/node scripts/picture.ts docs/tutor.svg
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import headless, { type IBufferCell, type IBufferLine } from '@xterm/headless'
import { $ } from 'zx'

const columns = 120
const rows = 36
const cell = { width: 8.4, height: 17, baseline: 13 }
const background = '#16181d'
const foreground = '#d7dae0'
const palette = [
  ['#3b4048', '#e06c75', '#98c379', '#e5c07b', '#61afef', '#c678dd', '#56b6c2', '#d7dae0'],
  ['#8a919e', '#ff7b86', '#b5e08f', '#ffd68a', '#7cc4ff', '#dd8df0', '#6fd3de', '#ffffff'],
].flat()

/** A color of the 256-color table. */
function indexed(n: number): string {
  if (n < 16) return palette[n]!
  if (n >= 232)
    return `rgb(${Array(3)
      .fill(8 + 10 * (n - 232))
      .join(',')})`
  const level = (i: number) => [0, 95, 135, 175, 215, 255][i]!
  return `rgb(${level(Math.floor((n - 16) / 36))},${level(Math.floor((n - 16) / 6) % 6)},${level((n - 16) % 6)})`
}

const color = (isRgb: boolean, isIndexed: boolean, value: number, fallback: string): string =>
  isRgb ? `#${value.toString(16).padStart(6, '0')}` : isIndexed ? indexed(value) : fallback

interface Run {
  x: number
  text: string
  width: number
  fill: string
  behind: string
  style: string
}

/** Neighbouring cells that look alike. */
function runsOf(line: IBufferLine, spare: IBufferCell): Run[] {
  const runs: Run[] = []
  for (let x = 0; x < columns; x++) {
    const c = line.getCell(x, spare)
    if (!c || c.getWidth() === 0) continue
    let fill = color(c.isFgRGB(), c.isFgPalette(), c.getFgColor(), foreground)
    let behind = color(c.isBgRGB(), c.isBgPalette(), c.getBgColor(), background)
    if (c.isInverse()) [fill, behind] = [behind, fill]
    const style = `${c.isBold() ? ' font-weight="bold"' : ''}${c.isItalic() ? ' font-style="italic"' : ''}${c.isDim() ? ' opacity="0.7"' : ''}`
    const last = runs.at(-1)
    const text = c.getChars() || ' '
    if (last && last.fill === fill && last.behind === behind && last.style === style) {
      last.text += text
      last.width += c.getWidth()
    } else runs.push({ x, text, width: c.getWidth(), fill, behind, style })
  }
  return runs
}

const xml = (text: string): string =>
  text.replace(/[&<>]/g, char => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[char]!)

function svg(screen: InstanceType<typeof headless.Terminal>): string {
  const { width, height, baseline } = cell
  const spare = screen.buffer.active.getNullCell()
  const body = Array.from({ length: rows }, (_, y) =>
    runsOf(screen.buffer.active.getLine(y)!, spare).map(run => ({ ...run, y })),
  )
    .flat()
    .flatMap(({ x, y, text, width: cells, fill, behind, style }) => {
      const left = (column: number) => `x="${(column * width).toFixed(1)}"`
      const length = (columns: number) => `textLength="${(columns * width).toFixed(1)}"`
      const box = `<rect ${left(x)} y="${y * height}" width="${(cells * width).toFixed(1)}" height="${height}" fill="${behind}"/>`
      // Each word group at its own column: viewers do as they like with spaces, and with the width of a font.
      const words = [...text.matchAll(/\S+(?: \S+)*/g)].map(
        ({ 0: word, index }) =>
          `<text ${left(x + index)} y="${y * height + baseline}" fill="${fill}"${style} ${length(word.length)}>${xml(word)}</text>`,
      )
      return behind === background ? words : [box, ...words]
    })
  const [w, h] = [columns * width + 24, rows * height + 24]
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${w} ${h}" width="${w}" height="${h}">
<title>toolkit: the text of a lesson, what the kernel says, and a real shell</title>
<rect width="100%" height="100%" rx="8" fill="${background}"/>
<g transform="translate(12 12)" font-family="ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace" font-size="13.5">
${body.join('\n')}
</g>
</svg>
`
}

async function capture(): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'picture-'))
  const tmux = (...args: string[]) => $({ quiet: true })`tmux -S ${directory}/socket -f /dev/null ${args}`.text()
  const until = async (wanted: RegExp) => {
    for (let tries = 0; tries < 200; tries++) {
      if (wanted.test(await tmux('capture-pane', '-p'))) return
      await sleep(100)
    }
    throw new Error(`${wanted} did not appear:\n${await tmux('capture-pane', '-p')}`)
  }
  const press = async (...keys: string[]) => void (await tmux('send-keys', ...keys))
  const type = async (line: string, wanted: RegExp) => {
    await press('-l', line)
    await press('Enter')
    await until(wanted)
  }
  try {
    const environment = ['-e', 'COLORTERM=truecolor', '-e', `XDG_STATE_HOME=${directory}`, '-e', 'TOOLKIT_THEME=dark']
    await tmux('new-session', '-d', '-x', `${columns}`, '-y', `${rows}`, ...environment, 'bin/toolkit learn 01-chroot')
    await tmux('set', '-g', 'status', 'off')
    await until(/lab:~#/)
    await press('F2')
    await type('mkdir -p jail/bin && cp /bin/bash jail/bin/', /1\/8 done/)
    await type('chroot jail /bin/bash', /No such file or direc/)
    await type('ldd /bin/bash', /libc/)
    await sleep(1000)
    return await tmux('capture-pane', '-p', '-e', '-N')
  } finally {
    await tmux('kill-server')
    rmSync(directory, { recursive: true, force: true })
  }
}

const [target] = process.argv.slice(2)
if (!target) {
  process.stderr.write('usage: bin/node scripts/picture.ts FILE.svg\n')
  process.exit(2)
}
const terminal = new headless.Terminal({ cols: columns, rows, allowProposedApi: true })
const picture = (await capture()).replace(/\n$/, '').replaceAll('\n', '\r\n')
await new Promise<void>(done => terminal.write(picture, done))
mkdirSync(dirname(target), { recursive: true })
writeFileSync(target, svg(terminal))
