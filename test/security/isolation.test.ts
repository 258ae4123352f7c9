// Rows of isolation: processes, shared memory, queues and sockets of the host and of other containers.
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import net from 'node:net'
import { describe, expect, test } from 'vitest'
import { numbersOf } from '../../toolkit/primitives/seccomp/numbers.ts'
import { skipped } from '../cli/toolkit.ts'
import { noTools, TOOLS, underAttack, withTools } from './hostile.ts'

const { world, witness } = underAttack()

describe.skipIf(skipped)(`row 35: processes of the host${skipped}`, () => {
  test('are neither seen nor killed; kill -9 -1 ends the container only', async () => {
    const bystander = spawn('sleep', ['100'])
    const other = world.start(['run', '--rm', 'busybox', 'sh', '-c', 'echo up; sleep 100'])
    await other.until('up')
    const script = `kill -9 ${bystander.pid} ${process.pid} 2>/dev/null && echo killed; ls -d /proc/${bystander.pid} 2>/dev/null
      sleep 100 & kill -9 -1; wait $!; echo $?; set -- /proc/[0-9]*; echo $#`
    expect(world.sh(script)).toBe('137\n1\n') // the shell
    expect([bystander.exitCode, bystander.signalCode, other.child.exitCode]).toEqual([null, null, null])
    bystander.kill('SIGKILL')
    for (const pid of world.left().processes) process.kill(Number(pid), 'SIGKILL')
    expect((await other.exit).code).toBe(137)
  })

  test('cannot be traced or read where they are in sight (--pid host)', async () => {
    const bystander = spawn('sleep', ['100'], { env: { WITNESS: witness.secret }, cwd: witness.directory })
    const script = `cd /proc/${bystander.pid}; cat environ cwd/secret root${witness.file} 2>/dev/null; readlink fd/0; true`
    expect(world.sh(script, ['--pid', 'host'])).toBe('')
    expect(world.sh(script, ['--pid', 'host', '--privileged'])).toContain(witness.secret)
    bystander.kill('SIGKILL')
  })
})

describe.skipIf(skipped || noTools)(`row 36: what has names of its own kind${skipped || noTools}`, () => {
  const root = skipped || noTools ? '' : withTools(world)
  const perl = (script: string, ...flags: string[]) => {
    fs.writeFileSync(`${root}/script.pl`, script)
    return world.toolkit(['run', '--rm', ...flags, ...TOOLS, root, 'perl', '/script.pl']).stdout
  }
  const { secret } = witness
  const connect = (name: string) => `use Socket; socket(my $s, PF_UNIX, SOCK_STREAM, 0);
    print connect($s, pack_sockaddr_un("\\0${name}")) ? "connected\\n" : "refused\\n"; open(F, "/proc/net/unix"); print grep /${name}/, <F>`

  test('abstract sockets of the host, and of another container, cannot be reached (CVE-2020-15257)', async () => {
    const server = net.createServer(socket => socket.end()).listen(`\0${secret}`)
    await new Promise(resolve => server.once('listening', resolve))
    expect(perl(connect(secret))).toBe('refused\n')
    expect(perl(connect(secret), '--network', 'host'), 'with --network host they can').toMatch(/^connected\n/)
    server.close()
  })

  test('those of another container, too', async () => {
    fs.writeFileSync(
      `${root}/listen.pl`,
      `use Socket; socket(my $s, PF_UNIX, SOCK_STREAM, 0); bind($s, pack_sockaddr_un("\\0theirs")); listen($s, 9); $| = 1; print "up\\n"; sleep 100`,
    )
    const other = world.start(['run', '--rm', ...TOOLS, root, 'perl', '/listen.pl'])
    await other.until('up')
    expect(perl(connect('theirs'))).toBe('refused\n')
    for (const pid of world.left().processes) process.kill(Number(pid), 'SIGKILL')
    await other.exit
  })

  test('no socket of ours is there for a container that has the host’s network', async () => {
    const other = world.start(['run', '--rm', '--network', 'host', 'busybox', 'sh', '-c', 'echo up; sleep 100'])
    await other.until('up')
    const engine = `/proc/${other.child.pid}/fd`
    const ours = fs.readdirSync(engine).map(fd => /socket:\[(\d+)\]/.exec(fs.readlinkSync(`${engine}/${fd}`))?.[1])
    const named = fs.readFileSync('/proc/net/unix', 'utf8').matchAll(/ (\d+) [@/].*$/gm)
    expect([...named].filter(([, inode]) => ours.includes(inode))).toEqual([])
    for (const pid of world.left().processes) process.kill(Number(pid), 'SIGKILL')
    await other.exit
  })

  const number = (name: string) => numbersOf(process.arch as 'x64' | 'arm64').get(name)!
  const O_CREAT = 0o100
  // A queue, a segment and a semaphore by names that both sides know.
  const open = (flags: number) => `my $q = "toolkit-witness"; my $key = 0x70011c17;
    printf "%s %s %s %s\\n", map { $_ < 0 ? "none" : "there" } syscall(${number('mq_open')}, $q, ${flags}, 0600, 0),
      syscall(${number('shmget')}, $key, 4096, ${flags ? 0o1600 : 0}), syscall(${number('semget')}, $key, 1, ${flags ? 0o1600 : 0}),
      syscall(${number('msgget')}, $key, ${flags ? 0o1600 : 0});`
  const remove = `my $q = "toolkit-witness"; syscall(${number('mq_unlink')}, $q); my $key = 0x70011c17;
    my $id = syscall(${number('shmget')}, $key, 0, 0); syscall(${number('shmctl')}, $id, 0, 0);
    $id = syscall(${number('semget')}, $key, 0, 0); syscall(${number('semctl')}, $id, 0, 0, 0);
    $id = syscall(${number('msgget')}, $key, 0); syscall(${number('msgctl')}, $id, 0, 0);`

  test('message queues, shared memory and semaphores of the host are not there, and those inside not here', () => {
    const here = (script: string) => world.shell(`perl -e '${script.replaceAll("'", '')}'`).stdout
    expect(here(open(0))).toBe('none none none none\n')
    expect(perl(open(O_CREAT))).toBe('there there there there\n')
    expect(here(open(0)), 'made inside').toBe('none none none none\n')
    try {
      expect(here(open(O_CREAT))).toBe('there there there there\n')
      expect(perl(open(0)), 'made here').toBe('none none none none\n')
      expect(perl(open(0), '--ipc', 'host')).toBe('there there there there\n')
    } finally {
      here(remove)
    }
    expect(here(open(0))).toBe('none none none none\n')
  })

  test('nor what the host has in /dev/shm', () => {
    fs.writeFileSync('/dev/shm/toolkit-witness', secret)
    try {
      expect(world.sh('cat /dev/shm/toolkit-witness 2>/dev/null; ls /dev/shm; touch /dev/shm/toolkit-inside')).toBe('')
      expect(fs.existsSync('/dev/shm/toolkit-inside')).toBe(false)
      expect(world.sh('cat /dev/shm/toolkit-witness', ['--ipc', 'host'])).toBe(secret)
    } finally {
      fs.rmSync('/dev/shm/toolkit-witness')
    }
  })
})
