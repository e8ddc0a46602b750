import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { isJsonObject } from '#libs/kernel';

/** How far a followed log has been sent. */
export interface TailState {
  /** Which file: its inode, and how often a file of that inode was begun anew. */
  readonly inode: string;
  readonly generation: number;
  /** When the file was made, for finding those that came after it. Epoch milliseconds. */
  readonly madeMs: number;
  /** Everything before it is stored. */
  readonly offset: number;
  /** What is being sent: up to here, from `offset` on. After a crash just these bytes are sent again, under the same ids. */
  readonly pendingTo?: number;
  /** SHA-256 of those bytes: tells that the file was emptied and has grown again since. */
  readonly pendingSum?: string;
  /** SHA-256 of the bytes just before `offset`, as they were sent: tells the same. */
  readonly before: string;
  /** How many bytes `before` is of, at most 256. */
  readonly beforeBytes: number;
}

/** Undefined: there is none yet. @throws Error that names the file if it can't be used */
export function readState(path: string): TailState | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const value = jsonOf(text);
  if (!isJsonObject(value) || typeof value['inode'] !== 'string' || typeof value['offset'] !== 'number')
    throw new Error(`${path} is no state of tail-file; remove it to begin anew`);
  return value as unknown as TailState;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Replaces the state as a whole; it is on the disk when this returns. */
export function writeState(path: string, state: TailState): void {
  const beside = `${path}.new`;
  const file = openSync(beside, 'w');
  try {
    writeSync(file, JSON.stringify(state));
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(beside, path);
}
