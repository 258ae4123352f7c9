// In the bundle this stands for string-width, for ink's parts too: its expression for all emoji takes V8 some 15 ms to
// read, and the first frame seldom needs it. build.mjs sets the alias.
import type stringWidth from 'string-width'
import type { Options } from 'string-width'
import { narrowWidth } from './narrow.ts'

declare const require: (path: string) => { readonly default: typeof stringWidth }

export default function width(text: string, options?: Options): number {
  const narrow = options || typeof text !== 'string' ? undefined : narrowWidth(text)
  // required, and so loaded, only here
  return narrow ?? require('../../node_modules/string-width/index.js').default(text, options)
}
