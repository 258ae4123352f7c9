// What a tar archive lists: names, kinds and sizes, for the checks. POSIX ustar with GNU's and pax's long names.

export interface TarEntry {
  /** Without a leading `./` and a trailing `/`; empty for the top directory. */
  readonly name: string
  readonly kind: 'file' | 'link' | 'symlink' | 'character device' | 'block device' | 'directory' | 'fifo' | 'other'
  readonly size: number
}

const BLOCK = 512
const KINDS: Record<string, TarEntry['kind']> = {
  '\0': 'file',
  '0': 'file',
  '1': 'link',
  '2': 'symlink',
  '3': 'character device',
  '4': 'block device',
  '5': 'directory',
  '6': 'fifo',
}

const text = (bytes: Buffer): string => bytes.toString('utf8').replace(/\0.*$/s, '')
const octal = (bytes: Buffer): number => Number.parseInt(text(bytes).trim() || '0', 8)

/** The header's sum, with the sum's own field taken for spaces, as everybody computes it. */
function isHeader(header: Buffer): boolean {
  const sum = header.reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 32 : byte), 0)
  return octal(header.subarray(148, 156)) === sum
}

/** The `path` of a pax header: records `LENGTH KEY=VALUE\n`. */
const paxPath = (body: Buffer): string | undefined => /(?:^|\n)\d+ path=(.*)/.exec(text(body))?.[1]

/** The entries in their order; undefined for what is no tar archive. */
export function readTar(bytes: Buffer): TarEntry[] | undefined {
  const entries: TarEntry[] = []
  let long: string | undefined
  for (let at = 0; at + BLOCK <= bytes.length; ) {
    const header = bytes.subarray(at, at + BLOCK)
    if (header.every(byte => byte === 0)) break
    if (!isHeader(header)) return undefined
    const size = octal(header.subarray(124, 136))
    if (!Number.isSafeInteger(size)) return undefined
    const flag = header.toString('latin1', 156, 157)
    const body = bytes.subarray(at + BLOCK, at + BLOCK + size)
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK
    if (flag === 'L') long = text(body)
    else if (flag === 'x') long = paxPath(body) ?? long
    else if (flag !== 'g') {
      const prefix = header.toString('latin1', 257, 263) === 'ustar\0' ? text(header.subarray(345, 500)) : ''
      const name = long ?? (prefix && `${prefix}/`) + text(header.subarray(0, 100))
      entries.push({ name: name.replace(/^(\.?\/)+|\/+$|^\.$/g, ''), kind: KINDS[flag] ?? 'other', size })
      long = undefined
    }
  }
  return entries.length > 0 ? entries : undefined
}
