// Where in the sources an error of our own comes from. The bundles have short names and one line; a map lies beside each.
import { existsSync, readFileSync } from 'node:fs'
import { SourceMap } from 'node:module'
import { relative, resolve } from 'node:path'

const FRAME = /^( +at (?:async )?)(?:.* \()?(\/.*):(\d+):(\d+)\)?$/gm

/** The stack with files, lines and names of the sources, as far as there are maps; other lines stay as they are. */
export function readableStack(stack: string): string {
  const maps = new Map<string, SourceMap | undefined>()
  return stack.replace(FRAME, (frame, at: string, file: string, line: string, column: string) => {
    if (!maps.has(file)) maps.set(file, mapOf(file))
    const origin = maps.get(file)?.findOrigin(Number(line), Number(column))
    if (!origin || !('fileName' in origin)) return frame
    const source = relative(resolve(file, '../..'), resolve(file, '..', origin.fileName))
    const place = `${source}:${origin.lineNumber}:${origin.columnNumber}`
    return at + (origin.name ? `${origin.name} (${place})` : place)
  })
}

const mapOf = (file: string): SourceMap | undefined =>
  existsSync(`${file}.map`) ? new SourceMap(JSON.parse(readFileSync(`${file}.map`, 'utf8'))) : undefined
