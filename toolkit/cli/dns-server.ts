// The engine starts this one itself, for networks that users have made: see engine/network/dns-service.ts.
import { fstatSync, statSync } from 'node:fs'
import { serve } from '../engine/network/dns-server.ts'
import { LOCK_FD, lockFile } from '../engine/network/dns-service.ts'
import { UsageError } from '../kernel/usage-error.ts'

export async function main([root, ...more]: string[]): Promise<number> {
  if (root === undefined || more.length > 0 || !hasLock(root))
    throw new UsageError('dns-server: is started by the engine, with the directory of its networks and their lock')
  serve(root)
  return 0
}

function hasLock(root: string): boolean {
  try {
    const [file, held] = [statSync(lockFile(root)), fstatSync(LOCK_FD)]
    return file.dev === held.dev && file.ino === held.ino
  } catch {
    return false
  }
}
