// The default profile as an OCI bundle has it, for the peers that take one: what is measured is how long they need to
// compile and load it.
import { release } from 'node:os'
import { defaultProfile, reduce } from '../toolkit/primitives/seccomp.ts'

/** The `linux.seccomp` of a bundle's config.json. */
export const seccomp = reduce(defaultProfile, {
  arch: process.arch as 'x64' | 'arm64',
  capabilities: [],
  kernel: release(),
})
