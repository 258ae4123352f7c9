import { useSyncExternalStore } from 'react'
import { useTutor } from '../context.ts'
import type { ScreenState } from '../screen.ts'

export function useScreen(): ScreenState {
  const { screen } = useTutor()
  return useSyncExternalStore(screen.subscribe, screen.state)
}
