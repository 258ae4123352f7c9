// Modules that come without types.
declare module 'marked-terminal' {
  import type { MarkedExtension } from 'marked'

  type Option = boolean | number | ((text: string) => string)
  export function markedTerminal(options: Record<string, Option>): MarkedExtension
}

declare module 'highlight.js/lib/core' {
  const core: {
    registerLanguage(name: string, language: unknown): void
    highlight(code: string, options: { language: string; ignoreIllegals: boolean }): { value: string }
  }
  export default core
}

declare module 'highlight.js/lib/languages/*' {
  const language: unknown
  export default language
}
