// The only code that runs in a new process before its program: a loop that makes system calls from a table, one by one.
// No C compiler, no helper binary: these bytes are the helper. V8 cannot go on in a forked child (its heap is not
// there), so the child touches no JavaScript, no libc and no heap; only registers and the table.
//
//   struct entry {          // 64 bytes
//     uint16_t number;      // of the system call
//     uint48_t allowed;     // bit n: the error n is as good as success; bit 0: every error is
//     int64_t arguments[6];
//     int64_t result;
//   };
//
// The code is entered twice. First as a function of the engine, whose child goes through the table from `entry` on:
//
//   long start(struct clone_args *args, size_t size, struct entry *entry)
//
// In the parent, start returns what clone3 returned. The child never returns: at the first result that is negative and
// not allowed it exits with 127, and the parent finds the entry in the table, which is shared memory. One of the entries
// is execveat: it gives the child a new memory with nothing in it but this code, as a program (runner.ts) that begins at
// `runner`. That finds on descriptor 3 the table and at its beginning what it needs to go on:
//
//   struct header { void *address; size_t size; struct entry *next; };
//
// A number that no system call has is a jump: to arguments[2], where the number at arguments[0] is above arguments[1]. So
// a table can have loops, and decisions on the results of its calls.
//
// The last entry is execve of the container's program, which leaves code and table behind. Where clone is among the
// entries, the child goes on and the parent goes to the entry at arguments[5]. Without one it stays as init: it passes
// signals on, reaps whoever ends, and exits like the child. It lets go of the table, which the child and the engine still
// use.
//
// test/kernel/machine-code.test.ts assembles the right-hand side and compares it with the left.

const x64 = `
start:
  53                  push rbx
  48 89 d3            mov rbx, rdx                # table
  b8 b3 01 00 00      mov eax, 435                # clone3(args, size)
  0f 05               syscall
  48 85 c0            test rax, rax
  74 02               jz next
  5b                  pop rbx                     # parent: the pid, or -errno
  c3                  ret
next:
  0f b7 03            movzx eax, word ptr [rbx]
  48 8b 7b 08         mov rdi, [rbx + 8]
  48 8b 73 10         mov rsi, [rbx + 16]
  48 8b 53 18         mov rdx, [rbx + 24]
  4c 8b 53 20         mov r10, [rbx + 32]
  4c 8b 43 28         mov r8, [rbx + 40]
  4c 8b 4b 30         mov r9, [rbx + 48]
  3d ff 0f 00 00      cmp eax, 4095               # no call has this number: jump to rdx
  74 3a               je jump
  0f 05               syscall
  66 83 3b 38         cmp word ptr [rbx], 56      # clone: two processes come back from it
  74 3c               je forked
  66 81 3b b3 01      cmp word ptr [rbx], 435     # and from clone3
  74 35               je forked
store:
  48 89 43 38         mov [rbx + 56], rax         # result
  48 f7 d8            neg rax                     # the error
  7e 1c               jle done
  f6 43 02 01         test byte ptr [rbx + 2], 1  # every error is as good
  75 16               jnz done
  83 f8 30            cmp eax, 48
  0f 83 b9 00 00 00   jae fail
  83 c0 10            add eax, 16
  48 0f a3 03         bt qword ptr [rbx], rax
  0f 83 ac 00 00 00   jnc fail
done:
  48 83 c3 40         add rbx, 64
  eb a4               jmp next
jump:
  48 39 37            cmp [rdi], rsi              # if this number is above that
  7e f5               jle done
  48 89 d3            mov rbx, rdx
  eb 9a               jmp next
forked:
  48 85 c0            test rax, rax
  74 eb               jz done                     # the child goes on with the table
  78 c4               js store                    # there is no child
  4d 85 c9            test r9, r9
  74 05               jz init
  4c 89 cb            mov rbx, r9                 # this process goes on elsewhere in the table
  eb 89               jmp next
init:
  89 c5               mov ebp, eax                # the child's pid
  bf 03 00 00 00      mov edi, 3
  be ff ff ff ff      mov esi, -1
  31 d2               xor edx, edx
  b8 b4 01 00 00      mov eax, 436                # close_range(3, ~0, 0): it keeps stdin, stdout, stderr
  0f 05               syscall
  48 8b 3c 24         mov rdi, [rsp]
  48 8b 74 24 08      mov rsi, [rsp + 8]
  b8 0b 00 00 00      mov eax, 11                 # munmap(table, size)
  0f 05               syscall
  6a ff               push -1                     # the set of all signals
wait:
  48 89 e7            mov rdi, rsp
  31 f6               xor esi, esi
  31 d2               xor edx, edx
  41 ba 08 00 00 00   mov r10d, 8
  b8 80 00 00 00      mov eax, 128                # rt_sigtimedwait(set, NULL, NULL, 8)
  0f 05               syscall
  83 f8 11            cmp eax, 17                 # SIGCHLD
  74 16               je reap
  83 f8 fc            cmp eax, -4                 # EINTR: frozen, or stopped, and continued
  74 e2               je wait
  85 c0               test eax, eax
  78 42               js fail
  89 ef               mov edi, ebp
  89 c6               mov esi, eax
  b8 3e 00 00 00      mov eax, 62                 # kill(child, signal)
  0f 05               syscall
  eb d1               jmp wait
reap:
  bf ff ff ff ff      mov edi, -1
  48 8d 74 24 08      lea rsi, [rsp + 8]
  ba 01 00 00 00      mov edx, 1
  45 31 d2            xor r10d, r10d
  b8 3d 00 00 00      mov eax, 61                 # wait4(-1, status, WNOHANG, NULL)
  0f 05               syscall
  85 c0               test eax, eax
  7e b4               jle wait                    # nobody else has ended
  39 e8               cmp eax, ebp
  75 df               jne reap                    # an orphan
  8b 44 24 08         mov eax, dword ptr [rsp + 8]
  0f b6 fc            movzx edi, ah               # the code it has ended with
  83 e0 7f            and eax, 127
  74 0d               jz exit
  8d b8 80 00 00 00   lea edi, [rax + 128]        # or 128 and the signal that has ended it
  eb 05               jmp exit
fail:
  bf 7f 00 00 00      mov edi, 127
exit:
  b8 e7 00 00 00      mov eax, 231                # exit_group
  0f 05               syscall
runner:
  50                  push rax
  50                  push rax
  50                  push rax
  bf 03 00 00 00      mov edi, 3
  48 89 e6            mov rsi, rsp
  ba 18 00 00 00      mov edx, 24
  31 c0               xor eax, eax                # read(3, header, 24)
  0f 05               syscall
  48 8b 3c 24         mov rdi, [rsp]              # address
  48 8b 74 24 08      mov rsi, [rsp + 8]          # size
  ba 03 00 00 00      mov edx, 3                  # PROT_READ|PROT_WRITE
  41 ba 01 00 10 00   mov r10d, 0x100001          # MAP_SHARED|MAP_FIXED_NOREPLACE
  41 b8 03 00 00 00   mov r8d, 3
  45 31 c9            xor r9d, r9d
  b8 09 00 00 00      mov eax, 9                  # mmap
  0f 05               syscall
  48 39 f8            cmp rax, rdi
  75 b7               jne fail
  48 8b 5c 24 10      mov rbx, [rsp + 16]         # the first row for this program
  e9 ab fe ff ff      jmp next
`

const arm64 = `
start:
  f3 0f 1f f8         str x19, [sp, -16]!
  f3 03 02 aa         mov x19, x2                 # table
  68 36 80 d2         mov x8, 435                 # clone3(args, size)
  01 00 00 d4         svc 0
  60 00 00 b4         cbz x0, next
  f3 07 41 f8         ldr x19, [sp], 16           # parent: the pid, or -errno
  c0 03 5f d6         ret
next:
  69 02 40 f9         ldr x9, [x19]
  28 3d 40 92         and x8, x9, 65535           # number
  60 86 40 a9         ldp x0, x1, [x19, 8]
  62 8e 41 a9         ldp x2, x3, [x19, 24]
  64 96 42 a9         ldp x4, x5, [x19, 40]
  1f fd 3f 71         cmp w8, 4095                # no call has this number: jump to x2
  20 02 00 54         b.eq jump
  01 00 00 d4         svc 0
  1f 71 03 71         cmp w8, 220                 # clone: two processes come back from it
  60 02 00 54         b.eq forked
  1f cd 06 71         cmp w8, 435                 # and from clone3
  20 02 00 54         b.eq forked
store:
  60 1e 00 f9         str x0, [x19, 56]           # result
  00 01 f8 b6         tbz x0, 63, done
  e9 00 80 37         tbnz x9, 16, done           # every error is as good
  01 02 80 d2         mov x1, 16
  20 00 00 cb         sub x0, x1, x0              # 16 and the error
  1f 00 01 f1         cmp x0, 64
  42 07 00 54         b.hs fail
  29 25 c0 9a         lsr x9, x9, x0
  09 07 00 36         tbz x9, 0, fail
done:
  73 02 01 91         add x19, x19, 64
  ea ff ff 17         b next
jump:
  09 00 40 f9         ldr x9, [x0]
  3f 01 01 eb         cmp x9, x1                  # if this number is above that
  8d ff ff 54         b.le done
  f3 03 02 aa         mov x19, x2
  e5 ff ff 17         b next
forked:
  20 ff ff b4         cbz x0, done                # the child goes on with the table
  e0 fd ff b7         tbnz x0, 63, store          # there is no child
  65 00 00 b4         cbz x5, init
  f3 03 05 aa         mov x19, x5                 # this process goes on elsewhere in the table
  e0 ff ff 17         b next
init:
  f4 03 00 2a         mov w20, w0                 # the child's pid
  60 00 80 d2         mov x0, 3
  01 00 80 12         mov w1, -1
  02 00 80 d2         mov x2, 0
  88 36 80 d2         mov x8, 436                 # close_range(3, ~0, 0): it keeps stdin, stdout, stderr
  01 00 00 d4         svc 0
  e0 07 40 a9         ldp x0, x1, [sp]
  e8 1a 80 d2         mov x8, 215                 # munmap(table, size)
  01 00 00 d4         svc 0
  00 00 80 92         mov x0, -1
  e0 03 00 f9         str x0, [sp]                # the set of all signals
wait:
  e0 03 00 91         mov x0, sp
  01 00 80 d2         mov x1, 0
  02 00 80 d2         mov x2, 0
  03 01 80 d2         mov x3, 8
  28 11 80 d2         mov x8, 137                 # rt_sigtimedwait(set, NULL, NULL, 8)
  01 00 00 d4         svc 0
  1f 44 00 71         cmp w0, 17                  # SIGCHLD
  20 01 00 54         b.eq reap
  1f 10 00 31         cmn w0, 4                   # EINTR: frozen, or stopped, and continued
  e0 fe ff 54         b.eq wait
  c0 02 f8 37         tbnz w0, 31, fail
  e1 03 00 2a         mov w1, w0
  e0 03 14 2a         mov w0, w20
  28 10 80 d2         mov x8, 129                 # kill(child, signal)
  01 00 00 d4         svc 0
  f1 ff ff 17         b wait
reap:
  00 00 80 92         mov x0, -1
  e1 23 00 91         add x1, sp, 8
  22 00 80 d2         mov x2, 1
  03 00 80 d2         mov x3, 0
  88 20 80 d2         mov x8, 260                 # wait4(-1, status, WNOHANG, NULL)
  01 00 00 d4         svc 0
  1f 00 00 71         cmp w0, 0
  2d fd ff 54         b.le wait                   # nobody else has ended
  1f 00 14 6b         cmp w0, w20
  e1 fe ff 54         b.ne reap                   # an orphan
  e1 0b 40 b9         ldr w1, [sp, 8]
  20 3c 08 53         ubfx w0, w1, 8, 8           # the code it has ended with
  21 18 00 72         ands w1, w1, 127
  80 00 00 54         b.eq exit
  20 00 02 11         add w0, w1, 128             # or 128 and the signal that has ended it
  02 00 00 14         b exit
fail:
  e0 0f 80 d2         mov x0, 127
exit:
  c8 0b 80 d2         mov x8, 94                  # exit_group
  01 00 00 d4         svc 0
runner:
  ff 83 00 d1         sub sp, sp, 32
  60 00 80 d2         mov x0, 3
  e1 03 00 91         mov x1, sp
  02 03 80 d2         mov x2, 24
  e8 07 80 d2         mov x8, 63                  # read(3, header, 24)
  01 00 00 d4         svc 0
  e0 07 40 a9         ldp x0, x1, [sp]            # address, size
  f4 03 00 aa         mov x20, x0
  62 00 80 d2         mov x2, 3                   # PROT_READ|PROT_WRITE
  23 00 80 d2         mov x3, 1
  03 02 a0 f2         movk x3, 16, lsl 16         # MAP_SHARED|MAP_FIXED_NOREPLACE
  64 00 80 d2         mov x4, 3
  05 00 80 d2         mov x5, 0
  c8 1b 80 d2         mov x8, 222                 # mmap
  01 00 00 d4         svc 0
  1f 00 14 eb         cmp x0, x20
  a1 fd ff 54         b.ne fail
  f3 0b 40 f9         ldr x19, [sp, 16]           # the first row for this program
  9f ff ff 17         b next
`

/** The listings by the processor's name in Node. */
export const listings: Record<string, string> = { x64, arm64 }

/** The machine code for a processor, and where in it the program begins; the function is at its start. */
export function machineCode(arch: string): { readonly bytes: Uint8Array; readonly runner: number } {
  const listing = listings[arch]
  if (listing === undefined) throw new Error(`no plan runner for ${arch}: x64 and arm64 only`)
  let hex = ''
  let runner = 0
  for (const line of listing.split('\n')) {
    if (line === 'runner:') runner = hex.length / 2
    if (line.startsWith('  ')) hex += line.slice(2, 22).replaceAll(' ', '')
  }
  return { bytes: Buffer.from(hex, 'hex'), runner }
}
