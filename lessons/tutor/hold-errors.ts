/** Warnings of node and others would be written across the screen: they wait until it is restored. */
export function holdErrors(): { release(): void } {
  if (!process.stderr.isTTY) return { release() {} }
  const { write } = process.stderr
  const held: (string | Uint8Array)[] = []
  process.stderr.write = ((chunk: string | Uint8Array) => held.push(chunk) > 0) as typeof write
  return {
    release() {
      process.stderr.write = write
      for (const chunk of held) process.stderr.write(chunk)
    },
  }
}
