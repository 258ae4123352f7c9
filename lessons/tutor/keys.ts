// Every key and what it does. The footer, the help page and the keyboard all read this one table.

export type Command =
  | 'switch'
  | 'toShell'
  | 'help'
  | 'hint'
  | 'zoom'
  | 'check'
  | 'solution'
  | 'lessons'
  | 'reset'
  | 'next'
  | 'previous'
  | 'quit'
  | 'redraw'
  | 'up'
  | 'down'
  | 'pageUp'
  | 'pageDown'
  | 'top'
  | 'end'
  | 'shellBack'
  | 'shellForward'

export interface Binding {
  readonly command: Command
  /** Work while the lesson has the keys. */
  readonly reading: readonly string[]
  /** Work everywhere, but function keys not while the shell is zoomed. */
  readonly anywhere: readonly string[]
  /** One or two words for the footer. */
  readonly label: string
  readonly help: string
}

const bind = (command: Command, anywhere: string[], reading: string[], label: string, help: string): Binding => ({
  command,
  anywhere,
  reading,
  label,
  help,
})

export const bindings: readonly Binding[] = [
  bind('switch', ['f2', 'ctrl-]'], ['tab'], 'switch', 'switch between lesson and shell'),
  bind('toShell', [], ['enter'], 'shell', 'go to the shell'),
  bind('hint', ['f3'], ['h'], 'hint', 'show a hint; again for the next one'),
  bind('check', ['f5'], ['c'], 'check', 'check the task now (it is also watched)'),
  bind('solution', ['f6'], ['s'], 'solution', 'put the solution at the prompt, not run'),
  bind('next', ['f9'], ['n'], 'next', 'next task'),
  bind('previous', [], ['p'], 'previous', 'previous task'),
  bind('lessons', ['f7'], ['l'], 'lessons', 'all lessons, your progress, jump'),
  bind('zoom', ['f4'], ['z'], 'zoom', 'lesson or shell alone, and back'),
  bind('reset', ['f8'], ['r'], 'reset', 'throw the lab away, start a new one'),
  bind('help', ['f1'], ['?'], 'help', 'this page'),
  bind('quit', ['f10'], ['q'], 'quit', 'leave; your progress is kept'),
  bind('down', [], ['down', 'j'], 'scroll', 'scroll down'),
  bind('up', [], ['up', 'k'], 'scroll', 'scroll up'),
  bind('pageDown', ['alt-pagedown'], ['pagedown', ' '], 'page', 'scroll down a page'),
  bind('pageUp', ['alt-pageup'], ['pageup'], 'page', 'scroll up a page'),
  bind('top', [], ['g', 'home'], 'top', 'to the top of the text'),
  bind('end', [], ['G', 'end'], 'end', 'to the end of the text'),
  bind('shellBack', ['shift-pageup'], ['['], 'back', 'what has scrolled out of the shell'),
  bind('shellForward', ['shift-pagedown'], [']'], 'forward', 'and back again'),
  bind('redraw', [], ['ctrl-l'], 'redraw', 'draw the whole screen anew'),
]

const byKey = (list: (binding: Binding) => readonly string[]) =>
  new Map(bindings.flatMap(binding => list(binding).map(key => [key, binding.command] as const)))
const anywhere = byKey(binding => binding.anywhere)
const reading = byKey(binding => binding.reading)

/** What a key does, for whoever has the keys. */
export function commandOf(key: string, focus: 'lesson' | 'shell'): Command | undefined {
  return anywhere.get(key) ?? (focus === 'lesson' ? reading.get(key) : undefined)
}

const SHOWN: Record<string, string> = {
  up: '↑',
  down: '↓',
  pageup: 'PgUp',
  pagedown: 'PgDn',
  ' ': 'Space',
  enter: 'Enter',
  home: 'Home',
  end: 'End',
  tab: 'Tab',
}

/** A key as it is printed on the keyboard. */
export function showKey(key: string): string {
  const [, modifier, base] = /^(ctrl|alt|shift)-(.+)$/.exec(key) ?? []
  if (modifier)
    return `${modifier[0]!.toUpperCase()}${modifier.slice(1)}-${showKey(base!).replace(/^[a-z]$/, c => c.toUpperCase())}`
  return SHOWN[key] ?? (/^f\d+$/.test(key) ? key.toUpperCase() : key)
}

/** The footer's entries for the state of the screen, the most useful ones first. */
const FOOTER: Record<'lesson' | 'shell' | 'zoomedShell', readonly [Command, string?][]> = {
  lesson: [
    ['toShell'],
    ['hint'],
    ['check'],
    ['solution'],
    ['next'],
    ['lessons'],
    ['help'],
    ['quit'],
    ['zoom'],
    ['pageDown', 'scroll'],
    ['reset'],
  ],
  shell: [
    ['help'],
    ['switch', 'lesson'],
    ['hint'],
    ['check'],
    ['solution'],
    ['next'],
    ['quit'],
    ['lessons'],
    ['zoom'],
    ['reset'],
  ],
  zoomedShell: [
    ['switch', 'lesson'],
    ['zoom', 'all panes'],
  ],
}

export interface FooterEntry {
  readonly command: Command
  readonly key: string
  readonly label: string
}

export function footerEntries(mode: 'lesson' | 'shell' | 'zoomedShell'): FooterEntry[] {
  return FOOTER[mode].map(([command, label]) => {
    const binding = bindings.find(each => each.command === command)!
    // the keys that can be pressed here: while the shell is zoomed only by way of Ctrl-]
    const direct = mode === 'lesson' ? (binding.reading.at(-1) ?? binding.anywhere[0]!) : binding.anywhere[0]!
    const viaLeader = command === 'switch' ? 'Ctrl-]' : `Ctrl-] ${showKey(binding.reading[0]!)}`
    const key = mode === 'zoomedShell' ? viaLeader : showKey(direct)
    return { command, key, label: label ?? binding.label }
  })
}
