// The name of the host as this process sees it itself. Not by node:os, which takes half a millisecond to load.
import { readText } from './read.ts'

/** A name of this process's UTS namespace: `hostname`, or `domainname`. */
export const utsName = (file: 'hostname' | 'domainname'): string =>
  readText(`/proc/sys/kernel/${file}`)?.trimEnd() ?? ''
