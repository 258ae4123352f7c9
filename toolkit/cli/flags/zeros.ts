// An amount of 0 is none: docker takes it as if the flag were not there.
import type { Parsed } from '../options.ts'

type Given = Parsed['flags']

/** 0, 0.0, 0m */
export const isZero = (value: Given[string]): boolean => /^0+(\.0+)?[bkmgtp]?$/i.test(String(value))

/** Leaves out the flags of these that are 0. */
export const withoutZeros = (given: Given, names: readonly string[]): Given =>
  Object.fromEntries(Object.entries(given).filter(([flag, value]) => !(names.includes(flag) && isZero(value))))
