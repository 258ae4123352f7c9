// Waiting without an event loop, and how long one has waited: by a clock that nobody sets, CLOCK_MONOTONIC of
// clock_gettime(2). Who waits by the date waits an hour longer when the date is set back.

/** Does nothing for so many milliseconds, nor does anything else in this process. */
export function pause(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds)
}

/** Whether so many milliseconds from now have passed. */
export function deadline(milliseconds: number): () => boolean {
  const end = process.hrtime.bigint() + BigInt(Math.round(milliseconds * 1e6))
  return () => process.hrtime.bigint() > end
}
