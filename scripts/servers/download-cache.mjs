import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where downloads are kept, outside of any clone. MILLRACE_TEST_CACHE_DIR moves it. */
export const CACHE_FOLDER = process.env.MILLRACE_TEST_CACHE_DIR ?? join(homedir(), '.cache', 'millrace');

/**
 * A folder of the cache, filled once: `fill(folder)` works in a folder of its own that gets its name only when it
 * is whole, so that a download cut short is never taken for one, and two at a time do not meet.
 */
export async function cachedFolder(name, fill) {
  const folder = join(CACHE_FOLDER, name);
  if (existsSync(folder)) return folder;
  const unfinished = `${folder}.${process.pid}`;
  mkdirSync(unfinished, { recursive: true });
  try {
    await fill(unfinished);
    if (!existsSync(folder)) renameSync(unfinished, folder);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
  return folder;
}
