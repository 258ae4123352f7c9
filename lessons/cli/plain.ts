// Markdown as plain text.

/** Markdown for ears and pipes: code is indented, headings and stress lose their signs, paragraphs are one line apart. */
export function plain(markdown: string): string {
  return markdown
    .concat('\n')
    .split(/^```.*\n/m)
    .map((part, i) => (i % 2 === 1 ? part.replace(/^(?=.)/gm, '    ') : withoutSigns(part)))
    .join('')
    .replace(/\n{3,}/g, '\n\n')
    .replace(/^\n+|\n+$/g, '')
}

const withoutSigns = (text: string): string =>
  text
    .replace(/^#+ /gm, '')
    .replace(/\*\*([^*]+)\*\*/g, '$1')
    .replace(/(?<=^|\s)_([^_`]+)_(?=$|\W)/gm, '$1')
