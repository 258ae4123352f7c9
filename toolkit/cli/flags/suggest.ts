/** How many letters must be changed, added, left out, or exchanged with their neighbour (Damerau and Levenshtein). */
function distance(a: string, b: string): number {
  let before: number[] = []
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      const exchanged = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      const least = Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + (same ? 0 : 1))
      next.push(i > 1 && j > 1 && exchanged ? Math.min(least, before[j - 2]! + 1) : least)
    }
    before = row
    row = next
  }
  return row[b.length]!
}

/** The word that was probably meant: the nearest by spelling, else one that contains it; undefined: none comes near. */
export function suggest(word: string, known: readonly string[]): string | undefined {
  if (word.length > 2 * Math.max(...known.map(({ length }) => length))) return undefined // near none, and slow to compare
  const near = known.map(name => ({ name, far: distance(word, name) })).sort((a, b) => a.far - b.far)[0]
  if (near && near.far <= Math.max(1, near.name.length / 2.5)) return near.name
  return word.length > 2 ? known.find(name => name.includes(word)) : undefined
}
