// A prediction without a screen: a question, numbered options, a line to answer with.
import { createInterface } from 'node:readline/promises'
import { fill, type Prediction } from '../parse.ts'
import { plain } from './plain.ts'

interface Terminal {
  readonly stdin: NodeJS.ReadableStream
  readonly stdout: NodeJS.WritableStream
}

/** The index of the option that was chosen; undefined where none was, or the input ended. */
export async function ask(
  { question, options }: Prediction,
  values: Readonly<Record<string, string>>,
  { stdin, stdout }: Terminal,
): Promise<number | undefined> {
  const text = (markdown: string) => plain(fill(markdown, values))
  const list = options.map((option, index) => `  ${index + 1}. ${text(option)}\n`).join('')
  stdout.write(`Predict. ${text(question)}\n${list}`)
  const lines = createInterface(stdin, stdout)
  const ended = new Promise<string>(resolve => lines.once('close', () => resolve('')))
  const answer = lines.question(`Your choice, 1 to ${options.length}, or Enter for none: `).catch(() => '')
  const chosen = Number((await Promise.race([answer, ended])) || 0) - 1
  lines.close()
  return options[chosen] === undefined ? undefined : chosen
}
