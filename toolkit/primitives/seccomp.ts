// seccomp: which system calls a process may make. seccomp(2), seccomp_filter.rst of the kernel.
//
// A profile lists calls by name; the kernel takes a little program that sees their numbers. The way from one to the
// other: `parseProfile` (JSON) → `reduce` (what applies on this host) → `compile` → `plan`.
export { disassemble } from './seccomp/bpf.ts'
export { compile, type Target, unknownNames } from './seccomp/compile.ts'
export { defaultProfile } from './seccomp/default-profile.ts'
export { type Program, plan } from './seccomp/filter.ts'
export { parseProfile } from './seccomp/parse.ts'
export { FLAGS, type Host, type Profile, reduce, type Seccomp } from './seccomp/profile.ts'
