import type { Subcommand } from './subcommands.ts'
export const command: Subcommand = { usage: 'system check', summary: 'x', words: [0, 0], flags: {}, run: () => 0 }
