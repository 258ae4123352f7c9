// What the components share. None of it changes while the tutor is open, so a change redraws only who subscribed to it.
import { createContext, useContext } from 'react'
import type { Lesson } from '../lesson.ts'
import type { Player } from '../player.ts'
import type { Line } from '../workshop/line.ts'
import type { PanelWatch } from './panels/watch.ts'
import type { Screen } from './screen.ts'
import type { ShellSession } from './session.ts'
import { type Theme, themes } from './theme.ts'

export interface Tutor {
  readonly course: string
  readonly lessons: readonly Lesson[]
  readonly progress: (lesson: Lesson) => readonly boolean[]
  /** Why a lesson cannot be done here; none where it can. */
  readonly obstacles: (lesson: Lesson) => Promise<readonly string[]>
  /** To the workshop that this seat reports to. */
  readonly line: Line | undefined
  readonly panels: PanelWatch
  readonly player: Player
  readonly screen: Screen
  readonly session: ShellSession
}

export const TutorContext = createContext<Tutor | undefined>(undefined)

export function useTutor(): Tutor {
  const tutor = useContext(TutorContext)
  if (!tutor) throw new Error('useTutor outside of the tutor')
  return tutor
}

export const ThemeContext = createContext<Theme>(themes.neutral)
export const useTheme = (): Theme => useContext(ThemeContext)
