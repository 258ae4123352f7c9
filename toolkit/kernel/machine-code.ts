// The only code that runs in a new process before its program: clone3(2), then a table of system calls, one by one.
// No C compiler, no helper binary: these bytes are the helper. V8 cannot go on in a forked child (its heap is not
// there), so the child touches no JavaScript, no libc and no heap; only registers and the table.
//
//   long start(struct clone_args *args, size_t size, struct entry *table)
//
//   struct entry {          // 64 bytes
//     int32_t number;       // of the system call
//     int32_t allowed;      // the one -errno that is as good as success, or 0
//     int64_t arguments[6];
//     int64_t result;
//   };
//
// In the parent, start returns what clone3 returned. The child never returns: at the first result that is negative and
// not allowed it exits with 127, and the parent finds the entry in the table, which is shared memory. The last entry is
// execve, which leaves the table behind.
//
// test/kernel/machine-code.test.ts assembles the right-hand side and compares it with the left.

const x64 = `
  53            push rbx
  48 89 d3      mov rbx, rdx                # table
  b8 b3 01 00 00  mov eax, 435              # clone3(args, size)
  0f 05         syscall
  48 85 c0      test rax, rax
  74 02         jz next
  5b            pop rbx                     # parent: the pid, or -errno
  c3            ret
next:
  8b 03         mov eax, dword ptr [rbx]
  48 8b 7b 08   mov rdi, [rbx + 8]
  48 8b 73 10   mov rsi, [rbx + 16]
  48 8b 53 18   mov rdx, [rbx + 24]
  4c 8b 53 20   mov r10, [rbx + 32]
  4c 8b 43 28   mov r8, [rbx + 40]
  4c 8b 4b 30   mov r9, [rbx + 48]
  0f 05         syscall
  48 89 43 38   mov [rbx + 56], rax         # result
  3b 43 04      cmp eax, dword ptr [rbx + 4]
  74 05         je done                     # 0, or the error that is allowed
  48 85 c0      test rax, rax
  78 06         js fail
done:
  48 83 c3 40   add rbx, 64
  eb d0         jmp next
fail:
  bf 7f 00 00 00  mov edi, 127
  b8 e7 00 00 00  mov eax, 231              # exit_group(127)
  0f 05         syscall
`

const arm64 = `
  f3 0f 1f f8   str x19, [sp, -16]!
  f3 03 02 aa   mov x19, x2                 # table
  68 36 80 d2   mov x8, 435                 # clone3(args, size)
  01 00 00 d4   svc 0
  60 00 00 b4   cbz x0, next
  f3 07 41 f8   ldr x19, [sp], 16           # parent: the pid, or -errno
  c0 03 5f d6   ret
next:
  68 26 40 29   ldp w8, w9, [x19]           # number, allowed
  60 86 40 a9   ldp x0, x1, [x19, 8]
  62 8e 41 a9   ldp x2, x3, [x19, 24]
  64 96 42 a9   ldp x4, x5, [x19, 40]
  01 00 00 d4   svc 0
  60 1e 00 f9   str x0, [x19, 56]           # result
  1f 00 09 6b   cmp w0, w9
  40 00 00 54   b.eq done                   # 0, or the error that is allowed
  60 00 f8 b7   tbnz x0, 63, fail
done:
  73 02 01 91   add x19, x19, 64
  f6 ff ff 17   b next
fail:
  e0 0f 80 d2   mov x0, 127
  c8 0b 80 d2   mov x8, 94                  # exit_group(127)
  01 00 00 d4   svc 0
`

/** The listings by the processor's name in Node. */
export const listings: Record<string, string> = { x64, arm64 }

/** The bytes of a listing: the pairs of hexadecimal digits that its lines begin with. */
export function bytesOf(listing: string): Uint8Array {
  return Buffer.from((listing.match(/^ +(?:[0-9a-f]{2} )+/gm) ?? []).join('').replaceAll(' ', ''), 'hex')
}

/** The machine code for this processor. */
export function machineCode(): Uint8Array {
  const listing = listings[process.arch]
  if (listing === undefined) throw new Error(`no plan runner for ${process.arch}: x64 and arm64 only`)
  return bytesOf(listing)
}
