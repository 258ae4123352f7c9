// Sizes as docker says them.

function human(bytes: number, base: number, units: readonly string[], digits: number): string {
  const power = Math.min(units.length - 1, bytes < 1 ? 0 : Math.floor(Math.log(bytes) / Math.log(base) + 1e-9))
  return `${Number((bytes / base ** power).toPrecision(digits))}${units[power]}`
}

/** Powers of 1000, four digits at most: 12.34MB. */
export const humanSize = (bytes: number, digits = 4): string =>
  human(bytes, 1000, ['B', 'kB', 'MB', 'GB', 'TB', 'PB'], digits)
/** Powers of 1024: 7.763GiB. */
export const binarySize = (bytes: number): string => human(bytes, 1024, ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'], 4)
