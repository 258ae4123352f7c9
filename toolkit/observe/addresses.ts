// Internet addresses as people write them.

const GROUP = 2 // bytes between two colons

/** 10.0.0.1 of 4 bytes; fe80::1 of 16, in the one form that RFC 5952 allows. */
export function formatAddress(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.')
  if (bytes.subarray(0, 12).equals(Buffer.from('00000000000000000000ffff', 'hex')))
    return `::ffff:${bytes.subarray(12).join('.')}` // an IPv4 address in the clothes of IPv6
  const groups: string[] = []
  for (let at = 0; at < bytes.length; at += GROUP) groups.push(bytes.readUInt16BE(at).toString(16))
  const text = groups.join(':')
  // The longest run of zeros becomes ::, the first where two are as long, none where it is a single one.
  const runs = [...text.matchAll(/(?<![^:])0(?::0(?![^:]))+/g)]
  const longest = runs.reduce((best, [run]) => (run.length > best.length ? run : best), '')
  if (longest === '') return text
  const { index } = runs.find(([run]) => run === longest)!
  return `${text.slice(0, index).replace(/:$/, '')}::${text.slice(index + longest.length).replace(/^:/, '')}`
}
