import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { forkTypeScript, killProcess } from '#libs/testing';
import { claim, DataFolderBusyError, type FolderLock, lockFolder } from './folder-lock.js';

let folder: string;
const children: ChildProcess[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-lock-'));
});

afterEach(async () => {
  for (const child of children.splice(0)) await killProcess(child);
  await rm(folder, { recursive: true, force: true });
});

describe('a locked folder', () => {
  test('is refused to a second owner until the first releases it', async () => {
    const first = await lockFolder(folder);
    await expect(lockFolder(folder)).rejects.toBeInstanceOf(DataFolderBusyError);
    await first.release();
    await first.release();
    const second = await lockFolder(folder);
    await second.release();
    expect(await readdir(folder)).toEqual([]);
  });

  test('is made where it is missing', async () => {
    const lock = await lockFolder(join(folder, 'a', 'b'));
    await lock.release();
    expect(await readdir(join(folder, 'a'))).toEqual(['b']);
  });

  test('is refused while another process holds it, and free at once after its kill -9', async () => {
    const owner = startOwner(folder);
    expect(await owner.outcome).toBe('locked');
    await expect(lockFolder(folder)).rejects.toMatchObject({ code: 'DATA_FOLDER_BUSY', retry: 'never' });
    await killProcess(owner.child);
    const lock = await lockFolder(folder);
    await lock.release();
  });

  test('works where the path is longer than a socket may have', async () => {
    const deep = join(folder, 'x'.repeat(120));
    const owner = startOwner(deep);
    expect(await owner.outcome).toBe('locked');
    await expect(lockFolder(deep)).rejects.toBeInstanceOf(DataFolderBusyError);
    await killProcess(owner.child);
    const lock = await lockFolder(deep);
    await lock.release();
  });

  test('is given up by a claimant whose name is free, but who was overtaken since it looked', async () => {
    let winner: FolderLock | undefined;
    const overtaken = await claim(folder, folder, async () => {
      // The remains of a dead owner, which the winner clears away: the name that the claimant is about to take.
      await writeFile(join(folder, '.lock-1'), '');
      winner = await lockFolder(folder);
    });
    expect(overtaken).toBeUndefined();
    await expect(lockFolder(folder)).rejects.toBeInstanceOf(DataFolderBusyError);
    await winner!.release();
    await (await lockFolder(folder)).release();
  });

  test('goes to at most one of many that claim the remains of a dead owner at once', async () => {
    const owner = startOwner(folder);
    await owner.outcome;
    await killProcess(owner.child);
    for (let round = 0; round < 20; round++) {
      const claims = await Promise.allSettled(Array.from({ length: 8 }, () => lockFolder(folder)));
      const held = claims.flatMap((claim) => (claim.status === 'fulfilled' ? [claim.value] : []));
      expect(held).toHaveLength(1);
      await held[0]!.release();
    }
  });
});

function startOwner(place: string): { child: ChildProcess; outcome: Promise<unknown> } {
  const child = forkTypeScript(join(import.meta.dirname, 'folder-lock-owner.ts'), [place]);
  children.push(child);
  return { child, outcome: once(child, 'message').then(([message]: unknown[]) => message) };
}
