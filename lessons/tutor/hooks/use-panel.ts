import { useSyncExternalStore } from 'react'
import { useTutor } from '../context.ts'
import type { LivePanel } from '../panels/watch.ts'

/** What the kernel says, anew whenever that is something else. */
export function usePanel(): LivePanel {
  const { panels } = useTutor()
  return useSyncExternalStore(panels.subscribe, panels.get)
}
