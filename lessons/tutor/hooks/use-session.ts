import { useSyncExternalStore } from 'react'
import { useTutor } from '../context.ts'
import type { ShellSession } from '../session.ts'

/** The shell; redraws whenever its screen changes. */
export function useSession(): ShellSession {
  const { session } = useTutor()
  useSyncExternalStore(session.subscribe, session.version)
  return session
}
