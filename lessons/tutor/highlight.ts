// Colours for code in a lesson: highlight.js with the four languages that the lessons use.
import core from 'highlight.js/lib/core'
import bash from 'highlight.js/lib/languages/bash'
import c from 'highlight.js/lib/languages/c'
import json from 'highlight.js/lib/languages/json'
import typescript from 'highlight.js/lib/languages/typescript'
import type { Style, Theme } from './theme.ts'

core.registerLanguage('bash', bash)
core.registerLanguage('c', c)
core.registerLanguage('json', json)
core.registerLanguage('typescript', typescript)

const NAMES: Record<string, string> = {
  sh: 'bash',
  shell: 'bash',
  bash: 'bash',
  c: 'c',
  json: 'json',
  ts: 'typescript',
}
const ENTITIES: Record<string, string> = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#x27;': "'" }

/** `code` with styles; what has none of its own, and all of it in a language that is not one of ours, has that of `rest`. */
export function highlight(code: string, language: string, theme: Theme, rest: Style = theme.code): string {
  const name = NAMES[language]
  // line by line: a style that spans lines would leak into what stands beside them
  const eachLine = (text: string, style: Style) => text.split('\n').map(style).join('\n')
  if (!name) return eachLine(code, rest)
  const styles: Record<string, Style> = {
    keyword: theme.keyword,
    built_in: theme.keyword,
    type: theme.keyword,
    string: theme.string,
    comment: theme.comment,
    number: theme.number,
    literal: theme.number,
    meta: theme.comment,
  }
  const html = core.highlight(code, { language: name, ignoreIllegals: true }).value
  const open: Style[] = []
  let text = ''
  for (const [part, kind, tag] of html.matchAll(/<span class="hljs-(\w+)[^>]*>|(<\/span>)|[^<]+/g)) {
    if (kind) open.push(styles[kind] ?? rest)
    else if (tag) open.pop()
    else {
      const raw = part.replace(/&(?:amp|lt|gt|quot|#x27);/g, entity => ENTITIES[entity]!)
      text += eachLine(raw, open.at(-1) ?? rest)
    }
  }
  return text
}
