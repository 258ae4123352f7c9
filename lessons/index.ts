// The course: its lessons in order.
import { lesson as chroot } from './01-chroot/lesson.ts'
import type { Lesson } from './lesson.ts'

export const lessons: readonly Lesson[] = [chroot]
