/** Of KEY=VALUE, or KEY alone with an empty value; the last of a key counts. A value may have more of =. */
export const pairsOf = (texts: readonly string[]): Record<string, string> =>
  Object.fromEntries(
    texts.map(text => {
      const [key = '', ...value] = text.split('=')
      return [key, value.join('=')]
    }),
  )

/** The first that has no key. */
export const withoutKey = (texts: readonly string[]): string | undefined =>
  texts.find(text => text === '' || text.startsWith('='))
