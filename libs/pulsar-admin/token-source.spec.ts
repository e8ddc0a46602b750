import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TokenUnreadableError } from './pulsar-admin.errors.js';
import { FileTokenSource, NO_TOKEN } from './token-source.js';

describe('a token in a file', () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-token-'));
    file = join(folder, 'token');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test('is read again when the file has changed, in place or by another file', async () => {
    writeFileSync(file, 'first\n');
    const source = new FileTokenSource(file);
    expect(await source.token()).toBe('first');
    expect(await source.token()).toBe('first');
    // Of the same length, at the same moment perhaps.
    writeFileSync(file, 'again\n');
    expect(await source.token()).toBe('again');
    writeFileSync(join(folder, 'next'), '  third  ');
    renameSync(join(folder, 'next'), file);
    expect(await source.token()).toBe('third');
  });

  test('is read through a link that is turned, as Kubernetes renews a mounted secret', async () => {
    for (const name of ['old', 'new']) writeFileSync(join(folder, name), `token-${name}`);
    symlinkSync('old', file);
    const source = new FileTokenSource(file);
    expect(await source.token()).toBe('token-old');
    unlinkSync(file);
    symlinkSync('new', file);
    expect(await source.token()).toBe('token-new');
  });

  test('that is missing, empty or more than a token is an error that passes when there is one', async () => {
    const source = new FileTokenSource(file);
    await expect(source.token()).rejects.toMatchObject({ code: 'BROKER_TOKEN_UNREADABLE', retry: 'backoff' });
    writeFileSync(file, '\n');
    await expect(source.token()).rejects.toThrow('the file is empty');
    writeFileSync(file, 'Bearer abc');
    const error = await source.token().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TokenUnreadableError);
    // Never the token itself.
    expect(String(error)).not.toContain('abc');
    writeFileSync(file, 'abc');
    expect(await source.token()).toBe('abc');
  });

  test('may be none', async () => {
    expect(await NO_TOKEN.token()).toBeUndefined();
  });
});
