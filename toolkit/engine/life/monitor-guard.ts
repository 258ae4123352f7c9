// The steps of a monitor whose container has its user before it, at a terminal: run -it. The engine has that terminal's
// other end, and keeps the container's directory. So this one only waits for one of three things: the container's end,
// which ends it, too; the engine's end, which ends the container; or the terminal, which the engine sends when its user
// leaves. Then it goes on as any other monitor.
import { F, MSG, O, SIG, W } from '../../kernel/constants.ts'
import { descriptorMessage } from '../../kernel/pass-descriptor.ts'
import type { Descriptor, Jump, Step } from '../../kernel/step.ts'
import { call, DIRECTORY, FREE, INDEX, jump, LOG, MASTER, NULL, PIDFD, PIPES, place, pollfd } from './monitor-steps.ts'
import { neverWait, SOCKET } from './monitor-terminal.ts'

/** Opens a file of the container's directory, now that there is something to write. */
const openNow = (name: string, flags: number, to: Descriptor | number): Step[] => [
  call('openat', [DIRECTORY, name, flags + O.CLOEXEC, 0o600], `${FREE} is the lowest free descriptor`),
  call('dup3', [FREE, to, O.CLOEXEC], 'under its own number'),
  call('close', [FREE], 'it has its number now'),
]

/** `status`: memory for the container's end, as wait(2) has it. */
export const guard = (status: Uint8Array): (Step | Jump)[] => [
  call('dup3', [NULL, PIPES.stdout, O.CLOEXEC], `${MASTER} is the lowest free descriptor now`),
  place(SOCKET, FREE),
  call('ppoll', [pollfd('[engine, pidfd]', FREE, PIDFD), 2, null, null, 0], 'the engine, or the end', 'watch'),
  call(
    'recvmsg',
    [FREE, descriptorMessage(), MSG.DONTWAIT + MSG.CMSG_CLOEXEC],
    'the terminal, as its user leaves',
    'word',
  ),
  call('fcntl', [MASTER, F.GETFD, 0], 'whether it has come', 'come'),
  jump('left', 'come', -1),
  jump('alone', 'word', -1), // an end of file: the engine has ended
  call('wait4', [-1, status, W.NOHANG + W.ALL, null], 'whether the container has ended, and how', 'early'),
  jump('over', 'early', 0),
  jump('watch', 'early', -4096),
  call('pidfd_send_signal', [PIDFD, SIG.KILL, null, 0], 'the engine gone, the container gone', 'alone'),
  call('exit_group', [0], 'the engine knows, or is gone', 'over'),
  call('close', [FREE], 'nothing else will come', 'left'),
  call('close', [{ descriptor: SOCKET }], 'nor here'),
  ...openNow('stdout', O.RDWR, PIPES.stdout),
  ...openNow('log', O.CREAT + O.WRONLY, LOG),
  ...openNow('log.index', O.CREAT + O.WRONLY, INDEX),
  ...[LOG, INDEX].map(file => call('lseek', [file, 0, 2], 'it goes on where it ended')),
  neverWait(),
]
