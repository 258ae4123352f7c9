// The source of the module that a lesson is about. The package brings it along, so that it can be read anywhere.
import { readFileSync } from 'node:fs'
import { packageDir } from '../toolkit/image/paths.ts'
import type { Lesson } from './lesson.ts'

/** Its TypeScript; throws where the package has lost it. */
export const moduleSource = ({ module }: Pick<Lesson, 'module'>): string =>
  readFileSync(`${packageDir()}/${module}`, 'utf8')
