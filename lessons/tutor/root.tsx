import { useSyncExternalStore } from 'react'
import { App } from './app.tsx'
import { ThemeContext, type Tutor, TutorContext } from './context.ts'
import { type ThemeName, themes } from './theme.ts'

/** The theme may change: the terminal's answer about its background comes later than the first frame. */
export class ThemeStore {
  #name: ThemeName
  readonly #listeners = new Set<() => void>()

  constructor(name: ThemeName) {
    this.#name = name
  }

  readonly get = (): ThemeName => this.#name

  set(name: ThemeName): void {
    this.#name = name
    for (const listener of this.#listeners) listener()
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }
}

export function Root({ tutor, theme }: { tutor: Tutor; theme: ThemeStore }) {
  const name = useSyncExternalStore(theme.subscribe, theme.get)
  return (
    <ThemeContext value={themes[name]}>
      <TutorContext value={tutor}>
        <App />
      </TutorContext>
    </ThemeContext>
  )
}
