import { createHash } from 'node:crypto';
import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** What is known of a file besides its name, which changes. */
export interface FileIdentity {
  readonly inode: string;
  readonly madeMs: number;
}

const LINE_FEED = 10;
/** Of lines with their times no two files have as much in common. */
const COMPARED_BYTES = 64 * 1024;
const COMPRESSED = /\.(gz|xz|bz2|zst|zip)$/;

/** The file that has this path now; undefined: none. */
export async function identityOf(path: string): Promise<FileIdentity | undefined> {
  try {
    const { ino, birthtimeMs } = await stat(path, { bigint: false });
    return { inode: ino.toString(16), madeMs: birthtimeMs };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

export interface NamedFile extends FileIdentity {
  readonly path: string;
}

/**
 * The files that a log is rotated to, and the log itself, the oldest first.
 *
 * @param statePath may stand beside them under such a name, and so may what it is written to first
 */
export async function rotatedFiles(path: string, statePath: string): Promise<readonly NamedFile[]> {
  const folder = dirname(path);
  const names = (await readdir(folder)).filter(
    (name) =>
      name.startsWith(basename(path)) && !COMPRESSED.test(name) && !join(folder, name).startsWith(statePath),
  );
  const found = await Promise.all(
    names.map(async (name) => ({ path: join(folder, name), identity: await identityOf(join(folder, name)) })),
  );
  return found
    .flatMap(({ path: at, identity }) => (identity === undefined ? [] : [{ path: at, ...identity }]))
    .sort((a, b) => a.madeMs - b.madeMs);
}

/** One file that is read from a place on, under whatever name it has by then. */
export class FollowedFile {
  private constructor(
    private readonly handle: FileHandle,
    readonly identity: FileIdentity,
  ) {}

  /** @throws Error that names what can't be followed */
  static async open(path: string): Promise<FollowedFile> {
    const handle = await open(path, 'r');
    const stats = await handle.stat();
    const { ino, birthtimeMs } = stats;
    if (stats.isDirectory()) {
      await handle.close();
      throw new Error(`${path} is a folder; wanted is a log file`);
    }
    return new FollowedFile(handle, { inode: ino.toString(16), madeMs: birthtimeMs });
  }

  async size(): Promise<number> {
    return (await this.handle.stat()).size;
  }

  async read(from: number, to: number): Promise<Buffer> {
    const bytes = Buffer.alloc(Math.max(0, to - from));
    let filled = 0;
    while (filled < bytes.length) {
      const { bytesRead } = await this.handle.read(bytes, filled, bytes.length - filled, from + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return bytes.subarray(0, filled);
  }

  /** The sum of what stands from one place to another; of less, where the file ends before. */
  async sum(from: number, to: number): Promise<string> {
    return sumOf(await this.read(from, to));
  }

  /**
   * Where the last whole line ends that begins at `from` or after and lies within `maxBytes`; `from` if there is none yet. A line
   * that is longer than that is taken up to its end.
   */
  async linesEnd(from: number, maxBytes: number): Promise<number> {
    const size = await this.size();
    const bytes = await this.read(from, Math.min(size, from + maxBytes));
    const last = bytes.lastIndexOf(LINE_FEED);
    if (last >= 0) return from + last + 1;
    for (let at = from + bytes.length; at < size; at += maxBytes) {
      const more = await this.read(at, Math.min(size, at + maxBytes));
      const end = more.indexOf(LINE_FEED);
      if (end >= 0) return at + end + 1;
    }
    return from;
  }

  /**
   * Was another file copied from this one: it has the same bytes, as far as it goes, and this one was written to after the other was made.
   * A log that followed this one may have the same lines, but this one would have been quiet by then.
   */
  async hasCopy({ path, madeMs }: NamedFile): Promise<boolean> {
    if ((await this.handle.stat()).mtimeMs <= madeMs) return false;
    const other = await FollowedFile.open(path);
    try {
      const size = await other.size();
      if (size === 0 || size > (await this.size())) return false;
      const compared = Math.min(size, COMPARED_BYTES);
      return (await this.sum(0, compared)) === (await other.sum(0, compared));
    } finally {
      await other.close();
    }
  }

  async close(): Promise<void> {
    await this.handle.close();
  }
}

/** SHA-256, shortened: tells bytes apart, and is no secret. */
export function sumOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 32);
}
