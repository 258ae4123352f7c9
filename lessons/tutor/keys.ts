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
  | 'choose'
  | 'take'
  | 'copy'
  | 'module'
  | 'search'
  | 'nextMatch'
  | 'previousMatch'
  | 'endSearch'
  | 'transcript'
  | 'mouse'
  | 'nextPanel'
  | 'panel'
  | 'answer'

export interface Binding {
  readonly command: Command
  /** Work while the lesson has the keys. */
  readonly reading: readonly string[]
  /** Work in what is searched, as long as a search is on. */
  readonly searching: readonly string[]
  /** Work everywhere, but function keys not while the shell is zoomed. */
  readonly anywhere: readonly string[]
  /** One or two words for the footer. */
  readonly label: string
  /** Empty where the binding before it says it for both. */
  readonly help: string
}

const bind = (
  command: Command,
  anywhere: string[],
  reading: string[],
  label: string,
  help: string,
  searching: string[] = [],
): Binding => ({ command, anywhere, reading, searching, label, help })

export const bindings: readonly Binding[] = [
  bind('help', ['f1'], ['?'], 'help', 'this page'),
  bind('switch', ['f2', 'ctrl-]'], ['tab'], 'switch', 'switch between lesson and shell'),
  bind('toShell', [], ['enter'], 'shell', 'go to the shell'),
  bind('hint', ['f3'], ['h'], 'hint', 'show a hint; again for the next one'),
  bind('zoom', ['f4'], ['z'], 'zoom', 'lesson or shell alone, and back'),
  bind('check', ['f5'], ['c'], 'check', 'check the task now (it is also watched)'),
  bind('solution', ['f6'], ['s'], 'solution', 'put the solution at the prompt, not run'),
  bind('lessons', ['f7'], ['l'], 'lessons', 'all lessons, your progress, jump'),
  bind('reset', ['f8'], ['r'], 'reset', 'throw the lab away, start a new one'),
  bind('next', ['f9'], ['n'], 'next', 'next task'),
  bind('previous', [], ['p'], 'previous', 'previous task'),
  bind('quit', ['f10'], ['q'], 'quit', 'leave; your progress is kept'),
  bind('answer', ['f12'], ['i'], 'answer', 'answer your instructor, in a workshop'),
  bind('choose', [], ['1', '2', '3', '4'], 'predict', 'predict, where the text asks for it'),
  bind('take', [], ['y'], 'command', "put the text's next command at the prompt"),
  bind('copy', [], ['Y'], 'copy', 'copy it instead (if the terminal lets it)'),
  bind('module', [], ['m'], 'module', 'the module: its steps and its source'),
  bind('nextPanel', [], ['v'], 'panel', 'the next live panel of the lesson'),
  bind('panel', [], ['V'], 'whole panel', 'the live panel as a page, with all it has to show'),
  bind('search', [], ['/'], 'search', 'search in the text, or in an open page'),
  bind('nextMatch', [], [], 'next match', 'next match, the one before, end the search', ['n']),
  bind('previousMatch', [], [], 'the one before', '', ['N']),
  bind('endSearch', [], [], 'end', '', ['escape']),
  bind('down', [], ['down', 'j'], 'scroll', 'scroll the text'),
  bind('up', [], ['up', 'k'], 'scroll', ''),
  bind('pageDown', ['alt-pagedown'], ['pagedown', ' '], 'page', 'scroll it by a page'),
  bind('pageUp', ['alt-pageup'], ['pageup'], 'page', ''),
  bind('top', [], ['g', 'home'], 'top', 'to its beginning, to its end'),
  bind('end', [], ['G', 'end'], 'end', ''),
  bind('shellBack', ['shift-pageup'], ['['], 'back', 'scroll back what the shell has printed'),
  bind('shellForward', ['shift-pagedown'], [']'], 'forward', ''),
  bind('transcript', [], ['w'], 'transcript', 'write what the shell has shown to a file'),
  bind('mouse', [], ['M'], 'mouse', 'mouse on: wheel, clicks; off: selects text'),
  bind('redraw', [], ['ctrl-l'], 'redraw', 'draw the whole screen anew'),
]

const byKey = (list: (binding: Binding) => readonly string[]) =>
  new Map(bindings.flatMap(binding => list(binding).map(key => [key, binding.command] as const)))
const anywhere = byKey(binding => binding.anywhere)
const reading = byKey(binding => binding.reading)
const searching = byKey(binding => binding.searching)

/** What a key does, for whoever has the keys. */
export function commandOf(key: string, focus: 'lesson' | 'shell', isSearching = false): Command | undefined {
  const special = isSearching ? searching.get(key) : undefined
  return special ?? anywhere.get(key) ?? (focus === 'lesson' ? reading.get(key) : undefined)
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
  escape: 'Esc',
}

/** A key as it is printed on the keyboard. */
export function showKey(key: string): string {
  const [, modifier, base] = /^(ctrl|alt|shift)-(.+)$/.exec(key) ?? []
  if (modifier)
    return `${modifier[0]!.toUpperCase()}${modifier.slice(1)}-${showKey(base!).replace(/^[a-z]$/, c => c.toUpperCase())}`
  return SHOWN[key] ?? (/^f\d+$/.test(key) ? key.toUpperCase() : key)
}

const FOOTER_EVERYWHERE: readonly [Command][] = [
  ['hint'],
  ['help'],
  ['quit'],
  ['next'],
  ['solution'],
  ['lessons'],
  ['check'],
  ['zoom'],
  ['reset'],
]

/** The footer's entries, the most useful ones first: a narrow footer has no room for the last. */
const FOOTER = {
  lesson: [['toShell'], ...FOOTER_EVERYWHERE, ['pageDown', 'scroll'], ['take'], ['nextPanel'], ['module'], ['search']],
  shell: [['switch', 'lesson'], ...FOOTER_EVERYWHERE],
  zoomedShell: [
    ['switch', 'lesson'],
    ['zoom', 'all panes'],
    ['next', 'next task'],
  ],
  searching: [['nextMatch'], ['endSearch', 'end search'], ['previousMatch', 'before'], ['pageDown', 'scroll']],
  textPage: [['pageDown', 'scroll'], ['search']],
} satisfies Record<string, readonly [Command, string?][]>

export type FooterMode = keyof typeof FOOTER

/** As they stand beside each other. */
const ORDER: readonly Command[] = [
  'toShell',
  'help',
  'switch',
  'hint',
  'zoom',
  'check',
  'solution',
  'lessons',
  'reset',
  'next',
  'quit',
  'nextMatch',
  'previousMatch',
  'pageDown',
  'take',
  'nextPanel',
  'module',
  'search',
  'endSearch',
]

/** The entries of a footer that fit beside each other in `columns`. */
export function footerEntries(mode: FooterMode, columns: number): FooterEntry[] {
  const chosen: FooterEntry[] = []
  let cells = 0
  for (const [command, label] of FOOTER[mode] as readonly [Command, string?][]) {
    const entry = footerEntry(mode, command, label)
    cells += entryWidth(entry)
    if (cells > columns) break
    chosen.push(entry)
  }
  return chosen.sort((a, b) => ORDER.indexOf(a.command) - ORDER.indexOf(b.command))
}

const entryWidth = ({ key, label }: FooterEntry) => key.length + label.length + 3 // a space around and between

function footerEntry(mode: FooterMode, command: Command, label?: string): FooterEntry {
  const { anywhere, reading, searching, label: usual } = bindings.find(each => each.command === command)!
  // while the shell is zoomed it has the function keys, and ours are reached by way of Ctrl-]
  const viaLeader = command === 'switch' ? 'Ctrl-]' : `Ctrl-] ${showKey(reading[0]!)}`
  const direct = mode === 'shell' ? anywhere[0]! : (searching[0] ?? reading.at(-1) ?? anywhere[0]!)
  // a terminal without function keys has this way out of the shell
  const shown = mode === 'shell' && command === 'switch' ? anywhere.map(showKey).join(' ') : showKey(direct)
  return { command, key: mode === 'zoomedShell' ? viaLeader : shown, label: label ?? usual }
}

export interface FooterEntry {
  readonly command: Command
  readonly key: string
  readonly label: string
}

/** Keys as the help page lists them: `Alt-PgDn/PgUp`, `PgDn Space PgUp`. */
export function showKeys(keys: readonly string[]): string {
  const [first, ...others] = keys.map(showKey)
  const prefix = /^(Alt|Shift)-/.exec(first ?? '')?.[0]
  if (prefix && others.every(key => key.startsWith(prefix))) {
    return [first, ...others.map(key => key.slice(prefix.length))].join('/')
  }
  return [first ?? '', ...others].join(' ')
}
