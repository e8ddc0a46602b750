import { statfsSync } from 'node:fs';

/** More than any one transaction writes, with the pages that it copies. */
export const DISK_RESERVE_BYTES = 32 * 1024 * 1024;

/** Another program, or Millrace itself, has taken the disk. */
export class DiskFullError extends Error {
  constructor(folder: string, freeBytes: number) {
    super(`no room on the disk of ${folder}: ${freeBytes} bytes are free, wanted ${DISK_RESERVE_BYTES}`);
  }
}

/**
 * LMDB can lose control of its memory, and with it the process, where the disk becomes full in the middle of a large
 * transaction. So nothing is begun that might not fit.
 *
 * @throws DiskFullError
 */
export function assertDiskRoom(folder: string): void {
  const { bavail, bsize } = statfsSync(folder);
  const freeBytes = bavail * bsize;
  if (freeBytes < DISK_RESERVE_BYTES) throw new DiskFullError(folder, freeBytes);
}
