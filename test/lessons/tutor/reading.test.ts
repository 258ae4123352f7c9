// What a learner reads: predictions, lessons that cannot be done here, the module, searches.
import { describe, expect, test } from 'vitest'
import { lesson, second } from './fake-player.ts'
import { leaveAfterEach, open, player, pressEscape, shell, virtual } from './open.ts'

const [F2, F7] = ['\x1bOQ', '\x1b[18~']

leaveAfterEach()

describe('a prediction', () => {
  test('is chosen by its number, also by way of Ctrl-] from the shell, and may be changed', async () => {
    await open({ task: 1 })
    await virtual.waitFor(/1–3 to predict/)
    virtual.press('1')
    await virtual.waitFor(/You predict 1: Only root may do it/)
    expect(player.state.prediction).toBe(0)
    virtual.press(`${F2}3\x1d3`)
    await virtual.waitFor(/You predict 3: The directory is missing/)
    expect(shell().written).toBe('3')
    virtual.press('4')
    await virtual.settle()
    expect(player.state.prediction).toBe(2)
    expect(virtual.screen()).not.toMatch(/Right|it was|to predict/)
  })

  test('has its answer when the task is done, and stays as it is then', async () => {
    await open({ task: 1, prediction: 1 })
    player.pass()
    await virtual.waitFor(/You chose 2\. Right\./)
    virtual.press('1')
    await virtual.waitFor(/The task is done, and the text has the answer/)
    expect(player.state.prediction).toBe(1)
  })

  test('is not there in every task', async () => {
    await open()
    virtual.press('1')
    await virtual.waitFor(/asks for no prediction/)
  })
})

describe('a lesson that cannot be done here', () => {
  const why = 'there is no cgroup controller cpu here; try: sudo mount it'
  const state = { phase: 'working' as const, obstacles: [why], values: {}, saw: '' }
  test.each([
    [80, 24],
    [120, 36],
  ])(
    'says why and what to type, and n goes on without a question, to the next lesson at last (%i×%i)',
    async (...size: [number, number]) => {
      await open(state, {}, size, false)
      await virtual.waitFor(/✘ This lesson cannot be done here: there is no\s/)
      await virtual.waitFor(/No shell: this lesson can only be read/)
      await virtual.waitFor(/n: next task/)
      virtual.press('n')
      await virtual.waitFor(/task 2 of 3/)
      virtual.press('n')
      await virtual.waitFor(/n: the next lesson/)
      virtual.press('n')
      await virtual.waitFor(/lesson 2/)
      virtual.press('s')
      await virtual.waitFor(/There is no shell now/)
      virtual.press('r')
      await virtual.waitFor(() => player.calls.includes('reset')) // looks again, and asks nothing
    },
  )

  test('is marked in the list of lessons, with the reason', async () => {
    await open({}, { obstacles: async ({ name }) => (name === second.name ? [why] : []) })
    virtual.press(F7)
    await virtual.waitFor(/2 A name of its own +uts +not on this machine/)
    expect(virtual.screen()).not.toContain('✘')
    virtual.press('2')
    await virtual.waitFor(/✘ there is no cgroup controller cpu here; try: sudo mount it/)
  })
})

describe('the module', () => {
  test('its steps with the values of this lab, then its source, to be scrolled and searched', async () => {
    await open()
    virtual.press('m')
    await virtual.waitFor(/Module: toolkit\/primitives\/chroot\.ts/)
    await virtual.waitFor(/chroot\("\/lab\/falcon"\)\n +\$ chroot \/lab\/falcon/)
    await virtual.waitFor(/^ +1 {2}\/\/ chroot\(2\)/m)
    virtual.press('G')
    await virtual.waitFor(/Esc closes ━$/m)
    virtual.press('/export\r')
    await virtual.waitFor(/\/export 1 of 1 .* n next match/)
    await virtual.waitFor(/export function plan/)
    await pressEscape()
    await virtual.waitFor(/\/ search +Esc close/)
    virtual.press('m')
    await virtual.waitFor(/lab#/)
  })
})

describe('search', () => {
  test('finds while it is typed, goes on with n and back with N, and ends with Escape', async () => {
    await open()
    const top = () => virtual.rows()[2]
    virtual.press('/ROOT')
    await virtual.waitFor(/\/ROOT .*not found/)
    virtual.press('\x7f\x7f\x7f\x7froot dir')
    await virtual.waitFor(/\/root dir +1 of 1/)
    virtual.press('\r')
    await virtual.waitFor(/1 of 1 +n next match/)
    await pressEscape()
    virtual.press('/root\r')
    await virtual.waitFor(/ 1 of \d\d /)
    const first = top()
    virtual.press('N')
    await virtual.waitFor(/(\d\d) of \1 /)
    expect(top()).not.toBe(first)
    virtual.press('n')
    await virtual.waitFor(/ 1 of/)
    expect(player.calls).toEqual([])
    virtual.press('j')
    await virtual.settle()
    await pressEscape()
    virtual.press('n')
    await virtual.waitFor(/not done yet/) // the next task again
  })

  test('what is found is marked without colours', async () => {
    await open({}, { theme: 'plain' })
    virtual.press('/process\r')
    await virtual.waitFor(/\/process 1 of \d+ .* n next match/)
    const rows = virtual.rows()
    const y = rows.findIndex(row => row.includes('Every process'))
    const cell = (x: number) => virtual.terminal.buffer.active.getLine(y)!.getCell(x)!
    const at = rows[y]!.indexOf('process')
    expect([
      cell(at - 1).isInverse(),
      cell(at).isInverse(),
      cell(at + 6).isInverse(),
      cell(at + 7).isInverse(),
    ]).toEqual([0, expect.any(Number), cell(at).isInverse(), 0])
    expect(cell(at).isInverse()).not.toBe(0)
  })

  test('a task that passes meanwhile does not make commands of what is typed', async () => {
    await open()
    virtual.press('/qui')
    player.pass()
    await virtual.settle()
    virtual.press('qn\x7f\x7f')
    await virtual.waitFor(/\/qui/)
    expect(player.calls).toEqual([])
    virtual.press('\x03')
    await virtual.waitFor(/What happened/)
  })

  test('leaves the shell its keys', async () => {
    await open()
    virtual.press(`/root\r\rn/N`)
    await virtual.settle()
    expect(shell().written).toBe('n/N')
  })
})

test('values that are not known yet have their names', async () => {
  await open({ values: {}, lesson: { ...lesson, values: () => ({ name: 'secret' }) } }, {}, [120, 40])
  await virtual.waitFor(/file <name> lies in it/)
})
