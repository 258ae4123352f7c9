// What bash and zsh complete, asked of the shells themselves.
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SIG } from '../../toolkit/kernel/constants.ts'
import { onTerminal } from './pty.ts'
import { bin, skipped, World } from './toolkit.ts'

const world = new World()
afterAll(() => {
  world.removeAll()
  world.end()
})
const [bash = '', zsh = ''] = ['bash', 'zsh'].map(name =>
  spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).stdout.trim(),
)

describe.skipIf(skipped)(`completion${skipped}`, () => {
  beforeAll(() => {
    world.toolkit(['run', '-d', '--name', 'runs', '-v', 'data:/data', 'busybox', 'sleep', '1000'])
    world.toolkit(['run', '-d', '--name', 'paused', 'busybox', 'sleep', '1000'])
    world.toolkit(['pause', 'paused'])
    world.toolkit(['create', '--name', 'made', 'busybox', 'true'])
    world.toolkit(['network', 'create', 'backend'])
  })

  /** What bash offers at the end of each line; it parts words at = and : as readline does. */
  function offered(lines: readonly string[]): Record<string, string[]> {
    const asked = lines.map(line => {
      const words = line.split(/(?<=[=:])|(?=[=:])| /).filter((word, i, all) => word !== '' || i === all.length - 1)
      const list = [...words, ...(/[= ]$/.test(line) && words.at(-1) !== '' && words.at(-1) !== '=' ? [''] : [])]
      const quoted = list.map(word => `'${word}'`).join(' ')
      return `COMP_WORDS=(${quoted}) COMP_CWORD=${list.length - 1}; COMPREPLY=(); _toolkit; echo "${line}|\${COMPREPLY[*]}"`
    })
    const { stdout, stderr } = world.shell(
      `source <($TOOLKIT completion bash); toolkit() { $TOOLKIT "$@"; }; cd /etc/init.d; ${asked.join('; ')}`,
    )
    expect(stderr).toBe('')
    const rows = stdout
      .trimEnd()
      .split('\n')
      .map(line => line.split('|') as [string, string])
    return Object.fromEntries(rows.map(([line, words]) => [line, words.split(' ').filter(Boolean).sort()]))
  }

  test('bash: commands, flags, values and names', () => {
    const all = ['made', 'paused', 'runs']
    const wanted: Record<string, string[]> = {
      'toolkit st': ['start', 'stats', 'stop'],
      'toolkit network i': ['inspect'],
      'toolkit system ': ['boot', 'check', 'df', 'events', 'info', 'prune'],
      'toolkit rm --v': ['--volumes'],
      'toolkit rm -': ['--force', '--help', '--volumes', '-f', '-h', '-v'],
      'toolkit rm ': all,
      'toolkit rm -f runs p': ['paused'],
      'toolkit stop ': ['paused', 'runs'],
      'toolkit stop -t 5 r': ['runs'],
      'toolkit unpause ': ['paused'],
      'toolkit start ': ['made'],
      'toolkit container stop ': ['paused', 'runs'],
      'toolkit container ls --no': ['--no-trunc'],
      'toolkit kill --signal=US': ['USR1', 'USR2'],
      'toolkit kill -s US': ['USR1', 'USR2'],
      'toolkit kill -s ': Object.keys(SIG).sort(),
      'toolkit volume rm ': ['data'],
      'toolkit network rm b': ['backend'],
      'toolkit run --network b': ['backend', 'bridge'],
      'toolkit run --network=back': ['backend'],
      'toolkit run --cap-drop NET_B': ['NET_BIND_SERVICE', 'NET_BROADCAST'],
      'toolkit run --volumes-from m': ['made'],
      'toolkit run --uts ': ['host', 'ns:', 'private'],
      'toolkit run busyb': ['busybox'],
      'toolkit run --rm busybox sh --he': [], // a flag of sh
      'toolkit cp ru': ['runs:'],
      'toolkit rename runs ': [],
      'toolkit learn 1': [
        '10-memory',
        '11-limits',
        '12-overlay',
        '13-layers',
        '14-veth',
        '15-bridge',
        '16-names',
        '17-security',
        '18-volumes',
        '19-runc',
      ],
      'toolkit xray --ho': ['--host'],
      'toolkit nothing ': [],
    }
    expect(offered(Object.keys(wanted))).toEqual(wanted)
  })

  /** A shell with the completion, at whose prompt one types. */
  async function atPrompt(args: string[], set: string): Promise<void> {
    const path = `${world.state}/path`
    fs.mkdirSync(path, { recursive: true })
    fs.rmSync(`${path}/toolkit`, { force: true })
    fs.symlinkSync(bin, `${path}/toolkit`)
    const env = { ...world.env, PATH: `${path}:${process.env.PATH}`, PS1: '> ', TERM: 'dumb', INPUTRC: '/dev/null' }
    const shell = onTerminal(args, env, { columns: 200 })
    await shell.until('> ')
    shell.type(`${set}; echo re''ady\r`)
    await shell.until('ready')
    await shell.until('> ')
    for (const [keys, shown] of [
      ['toolkit netw\t', 'network '],
      ['insp\t', 'inspect '],
      ['back\t', 'backend '],
      ['-f "{{.Name}}="\r', 'backend='],
    ] as const) {
      shell.type(keys)
      await shell.until(shown)
    }
    shell.hangUp()
    await shell.exit
  }

  test('bash, at a prompt', () => atPrompt([bash, '--norc', '-i'], 'source <(toolkit completion bash)'))

  test.skipIf(!zsh)(`zsh, at a prompt${zsh ? '' : ' (skipped: zsh is not installed)'}`, () =>
    atPrompt([zsh, '-f', '-i'], 'autoload -U compinit; compinit -u -D; source <(toolkit completion zsh)'),
  )
})
