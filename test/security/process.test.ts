// Rows of the process itself: what it was before it became the program, and what of that is left.
import fs from 'node:fs'
import { afterEach, describe, expect, test } from 'vitest'
import { onTerminal } from '../cli/pty.ts'
import { bin, skipped } from '../cli/toolkit.ts'
import { image, link, noTools, put, TOOLS, underAttack, withTools } from './hostile.ts'

const { world, witness } = underAttack()

describe.skipIf(skipped)(`row 1: nobody writes to the engine's program (CVE-2019-5736)${skipped}`, () => {
  const node = fs.realpathSync(process.execPath)
  const before = skipped ? '' : digest()
  function digest(): string {
    const { size, mtimeMs, ino, ctimeMs } = fs.statSync(node)
    return [size, mtimeMs, ino, ctimeMs].join(' ')
  }
  afterEach(() => {
    expect(digest()).toBe(before)
  })

  test('a command that is /proc/self/exe, as a path, a link or an interpreter, is not Node', () => {
    const root = image(world, root => {
      put(root, 'bin/link', link('/proc/self/exe'))
      put(root, 'bin/script', at => fs.writeFileSync(at, '#!/proc/self/exe -e\n', { mode: 0o755 }))
    })
    for (const command of ['/proc/self/exe', '/proc/1/exe', 'link', 'script']) {
      const { status, stdout } = world.toolkit(['run', '--rm', root, command, '-p', '"I am " + process.title'])
      expect([command, status === 0, stdout]).toEqual([command, false, ''])
    }
  })

  test('of an init that stays, /proc/1/exe is a file in memory that takes no writing', () => {
    const script = `
      readlink /proc/1/exe
      grep -c node /proc/1/maps /proc/1/cmdline
      (: >/proc/1/exe) 2>/dev/null && echo truncated
      (echo x >>/proc/1/exe) 2>/dev/null && echo appended
      sh -c 'exec 9<>/proc/1/exe; echo x >&9' 2>/dev/null && echo written
      true`
    expect(world.sh(script, ['--init'])).toMatch(/^\/memfd:\S+ \(deleted\)\n\/proc\/1\/maps:0\n\/proc\/1\/cmdline:0\n$/)
  })

  test('where the processes of the host are in sight, the engine is out of reach', () => {
    const script = `cd /proc/$PPID
      for name in exe root/ cwd/ fd/1; do ls -dL $name >/dev/null 2>&1 && echo $name; done
      grep -q TOOLKIT environ 2>/dev/null && echo environ
      grep -q -- --rm cmdline && echo arguments`
    expect(world.sh(script, ['--pid', 'host'])).toBe('arguments\n')
    expect(world.sh(script, ['--pid', 'host', '--privileged'])).toBe('exe\nroot/\ncwd/\nfd/1\nenviron\narguments\n')
  })
})

describe.skipIf(skipped)(
  `row 2: no directory of the host through a forgotten descriptor (CVE-2024-21626)${skipped}`,
  () => {
    // The engine starts with 3 to 20 open on the directory of the witness.
    const open = Array.from({ length: 18 }, (_, i) => `exec ${i + 3}<${witness.directory};`).join(' ')
    const each = (command: string, last = 7) =>
      world.shell(`${open} for n in $(seq 3 ${last}); do ${command.replaceAll('%', '$n')}; done 2>/dev/null`)

    test('as working directory', () => {
      expect(each('(cd /proc/self/fd/%; cat secret)').stdout, 'it works on the host').toContain(witness.secret)
      const { stdout } = each(
        '$TOOLKIT run --rm -w /proc/self/fd/% busybox sh -c "ls -a; cat secret; cat ../*/secret"',
        10,
      )
      expect(stdout).not.toContain('secret')
    })

    test('as working directory behind a link of the image, or above it', () => {
      const root = image(world, root => {
        for (let n = 3; n <= 7; n++) put(root, `way/${n}`, link(`/proc/self/fd/${n}`))
      })
      expect(each(`$TOOLKIT run --rm -w /way/% ${root} sh -c "ls -a; cat secret"`).stdout).not.toContain('secret')
      const above = each(`$TOOLKIT run --rm -w /proc/self/fd/%/.. ${root} sh -c "ls -a"`, 6).stdout
      expect(above).not.toMatch(/witness|toolkit-test/)
    })

    test('as the place of the command, or of its interpreter', () => {
      const program = `#!/bin/sh\necho escaped\n`
      const other = `${world.state}/programs`
      fs.mkdirSync(other)
      fs.writeFileSync(`${other}/program`, program, { mode: 0o755 })
      const all = (command: string) =>
        world.shell(
          `for n in 3 4 5 6; do eval "exec $n<${other}"; done; for n in 3 4 5 6; do ${command}; done 2>/dev/null`,
        ).stdout
      expect(all('/proc/self/fd/$n/program')).toContain('escaped')
      expect(all('$TOOLKIT run --rm busybox /proc/self/fd/$n/program')).toBe('')
      expect(all('$TOOLKIT run --rm -e PATH=/proc/self/fd/$n busybox program')).toBe('')
    })
  },
)

test.skipIf(skipped)(
  `row 6: neither environment nor arguments of the engine reach PID 1 (CVE-2021-3602)${skipped}`,
  () => {
    const env = { ...world.env, WITNESS: witness.secret, LD_PRELOAD: '', NODE_OPTIONS: '--no-warnings' }
    const script = `cat /proc/1/environ /proc/1/cmdline | tr '\\0' '\\n'; env`
    for (const init of [[], ['--init']]) {
      const args = ['run', '--rm', '--name', 'told-nobody', ...init, 'busybox', 'sh', '-c', script]
      const { status, stdout } = world.toolkit(args, { env })
      expect(status).toBe(0)
      expect(stdout).not.toMatch(/secret-|WITNESS|told-nobody|TOOLKIT|NODE_|LD_PRELOAD/)
    }
    // The same look at a process of the host that has it finds it.
    const { stdout } = world.shell(`W=${witness.secret} sh -c 'cat /proc/$$/environ'`)
    expect(stdout).toContain(witness.secret)
  },
)

const typing = `perl -e 'for my $fd (0..2) { open(my $h, "+<&=", $fd) or next; ioctl($h, 0x5412, my $c = $_) for split //, "hacked\\n" }'`

describe.skipIf(skipped || noTools)(`terminals${skipped || noTools}`, () => {
  const root = skipped || noTools ? '' : withTools(world)

  test.each([
    ['without -t', '-i', ''],
    ['with -t', '-it', ''],
    ['as an ordinary user', '-i', '-u 1000'],
  ])('row 8: nothing is typed at the outer shell, %s (CVE-2017-5226)', async (_title, io, user) => {
    const run = `"$TOOLKIT" run --rm ${io} ${user} ${TOOLS.join(' ')} ${root} `
    const script = `${run} ${typing}; stty -echo; read -t 0.3 a; echo "typed <$a>"; ${typing}; read -t 3 b; echo "control <$b>"`
    const window = onTerminal(['bash', '--norc', '-c', script], { ...world.env, TOOLKIT: bin })
    await window.until('control <')
    await window.exit
    expect(window.screen()).toContain('typed <>')
    expect(window.screen(), 'on the host it types').toContain('control <hacked')
    window.hangUp()
  })

  test('row 8: without -t there is no terminal to open', async () => {
    const run = `"$TOOLKIT" run --rm -i busybox sh -c 'cat </dev/tty; ls /dev/pts; ls /dev/console; true' 2>&1; echo end`
    const window = onTerminal(['bash', '--norc', '-c', run], { ...world.env, TOOLKIT: bin })
    await window.until('end')
    await window.exit
    expect(window.screen()).toMatch(/can't open \/dev\/tty[^\n]*\n(ls: )?[^\n]*ptmx|can't open \/dev\/tty/)
    window.hangUp()
  })
})

test.skipIf(skipped)(
  `row 9: the terminal is its user's own, and the outer one is given back when the program is killed${skipped}`,
  async () => {
    const script = `stty -a | md5sum; "$TOOLKIT" run --rm -it -u 1000:1000 busybox sh -c '
      stat -c "%u %t:%T" $(tty) /dev/console; echo hi >/dev/console; echo ready; sleep 100'; echo code $?; stty -a | md5sum`
    const window = onTerminal(['bash', '--norc', '-c', script], { ...world.env, TOOLKIT: bin })
    await window.until('ready\r\n')
    for (const pid of world.left().processes) process.kill(Number(pid), 'SIGKILL')
    await window.until('code 137')
    await window.exit
    const screen = window.screen()
    const [tty, console] = screen.match(/^1000 .*$/gm)!
    expect(console).toBe(tty)
    expect(screen).toMatch(/^hi\r$/m)
    const [before, after] = screen.match(/^[0-9a-f]{32}/gm)!
    expect(after).toBe(before)
    window.hangUp()
  },
)
