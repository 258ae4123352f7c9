// Device numbers as stat(2) and mknod(2) have them: 12 bits for the major number, 20 for the minor one, packed as
// gnu_dev_makedev of glibc does.

/** What a device number is made of. */
export interface DeviceNumber {
  readonly major: number
  readonly minor: number
}

/** A device number as the kernel takes it from user space; makedev(3). */
export const makedev = (major: number, minor: number): number => (major << 8) | (minor & 0xff) | ((minor & ~0xff) << 12)

/** Its parts; major(3) and minor(3). */
export function deviceNumber(device: number | bigint): DeviceNumber {
  const packed = Number(device)
  return { major: (packed >>> 8) & 0xfff, minor: (packed & 0xff) | ((packed >>> 12) & 0xfff00) }
}
