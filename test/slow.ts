/** How many times slower than usual the machine is: TOOLKIT_SLOW, 20 for an emulated one. */
export const slow = Number(process.env.TOOLKIT_SLOW) || 1
