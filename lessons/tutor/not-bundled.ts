// Stands in, in the bundle, for what marked-terminal imports and we never let it use: its highlighter with all languages
// of the world, its tables and its emoji. See markdown.ts, which draws code and tables itself.
export const highlight = (code: string): string => code
export const supportsLanguage = (): boolean => false
export const get = (name: string): string => name
export default class Table {}
