// errno(3): the names and meanings of the kernel's error numbers (include/uapi/asm-generic/errno-base.h and errno.h).

const table = {
  EPERM: [1, 'operation not permitted'],
  ENOENT: [2, 'no such file or directory'],
  ESRCH: [3, 'no such process'],
  EINTR: [4, 'interrupted by a signal'],
  EIO: [5, 'input/output error'],
  ENXIO: [6, 'no such device or address'],
  E2BIG: [7, 'argument list too long'],
  ENOEXEC: [8, 'not a program that the kernel can start'],
  EBADF: [9, 'bad file descriptor'],
  ECHILD: [10, 'no child process'],
  EAGAIN: [11, 'resource temporarily unavailable'],
  ENOMEM: [12, 'out of memory'],
  EACCES: [13, 'permission denied'],
  EFAULT: [14, 'bad address'],
  ENOTBLK: [15, 'not a block device'],
  EBUSY: [16, 'device or resource busy'],
  EEXIST: [17, 'exists already'],
  EXDEV: [18, 'across two file systems'],
  ENODEV: [19, 'no such device or file system type'],
  ENOTDIR: [20, 'not a directory'],
  EISDIR: [21, 'is a directory'],
  EINVAL: [22, 'invalid argument'],
  ENFILE: [23, 'too many open files in the system'],
  EMFILE: [24, 'too many open files in this process'],
  ENOTTY: [25, 'not a terminal'],
  ETXTBSY: [26, 'program file is being written to'],
  EFBIG: [27, 'file too large'],
  ENOSPC: [28, 'no space left, or a limit on their number reached'],
  ESPIPE: [29, 'cannot seek'],
  EROFS: [30, 'read-only file system'],
  EMLINK: [31, 'too many links'],
  EPIPE: [32, 'nobody reads the other end of the pipe'],
  EDOM: [33, 'argument out of domain'],
  ERANGE: [34, 'result out of range'],
  EDEADLK: [35, 'would deadlock'],
  ENAMETOOLONG: [36, 'name too long'],
  ENOLCK: [37, 'no locks left'],
  ENOSYS: [38, 'this kernel does not have the call'],
  ENOTEMPTY: [39, 'directory not empty'],
  ELOOP: [40, 'too many symbolic links'],
  ENODATA: [61, 'no data'],
  EOVERFLOW: [75, 'value too large'],
  ELIBBAD: [80, 'damaged loader or library'],
  EUSERS: [87, 'too many users'],
  ENOTSOCK: [88, 'not a socket'],
  EPROTONOSUPPORT: [93, 'protocol not supported'],
  EOPNOTSUPP: [95, 'not supported'],
  EAFNOSUPPORT: [97, 'address family not supported'],
  EADDRINUSE: [98, 'address already in use'],
  EADDRNOTAVAIL: [99, 'address not available'],
  ENETDOWN: [100, 'network is down'],
  ENETUNREACH: [101, 'network is unreachable'],
  ECONNRESET: [104, 'connection reset'],
  ENOBUFS: [105, 'no buffer space'],
  ETIMEDOUT: [110, 'timed out'],
  ECONNREFUSED: [111, 'connection refused'],
  EHOSTUNREACH: [113, 'host is unreachable'],
  EINPROGRESS: [115, 'going on already'],
  ESTALE: [116, 'stale file handle'],
  EDQUOT: [122, 'disk quota exceeded'],
  ECANCELED: [125, 'canceled'],
} as const

export type ErrnoName = keyof typeof table

/** Number of an error by name: `ERRNO.EPERM` is 1. */
export const ERRNO = Object.fromEntries(Object.entries(table).map(([name, [n]]) => [name, n])) as Record<
  ErrnoName,
  number
>

const byNumber = new Map<number, readonly [string, string]>(
  Object.entries(table).map(([name, [n, text]]) => [n, [name, text]]),
)

/** The name of an error number; `errno 999` where it has none here. */
export const errnoName = (n: number): string => byNumber.get(n)?.[0] ?? `errno ${n}`
/** What an error number means, in words. */
export const errnoMeaning = (n: number): string => byNumber.get(n)?.[1] ?? 'unknown error'
