// The engine starts this one itself, for networks that users have made: see engine/network/dns-service.ts.
import { serve } from '../engine/network/dns-server.ts'
import { UsageError } from '../kernel/usage-error.ts'

export async function main([root, ...more]: string[]): Promise<number> {
  if (root === undefined || more.length > 0)
    throw new UsageError('dns-server: is started by the engine, with the directory of its networks')
  serve(root)
  return 0
}
