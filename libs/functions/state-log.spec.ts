import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { JsonValue } from '#libs/kernel';
import { DataDamagedError, type StateBlob } from '#libs/storage';
import { StateUnknownError } from './functions.errors.js';
import { StateLog } from './state-log.js';

const IDENTITY = { operator: 'local', version: 1 };

/** The blobs as a commit store keeps them: a base replaces what was there. */
function keep(blobs: StateBlob[], next: StateBlob | undefined): StateBlob[] {
  if (next === undefined) return blobs;
  return next.kind === 'base' ? [next] : [...blobs, next];
}

describe('the state of a task in its commits', () => {
  it('is the same after any changes and any restarts', () => {
    const change = fc.tuple(
      fc.constantFrom('a', 'b', 'c', 'd'),
      fc.option(fc.string({ maxLength: 400_000, minLength: 0 }), { nil: undefined }),
    );
    fc.assert(
      fc.property(
        fc.array(fc.record({ changes: fc.array(change, { maxLength: 3 }), restart: fc.boolean() }), {
          maxLength: 12,
        }),
        (commits) => {
          let log = new StateLog(IDENTITY, 'web/local/0');
          let blobs: StateBlob[] = [];
          const expected = new Map<string, JsonValue>();
          for (const { changes, restart } of commits) {
            for (const [name, value] of changes) {
              if (value === undefined) expected.delete(name);
              else expected.set(name, value);
            }
            blobs = keep(
              blobs,
              log.next(changes, () => expected),
            );
            if (restart) log = new StateLog(IDENTITY, 'web/local/0');
            const restored = (restart ? log : new StateLog(IDENTITY, 'web/local/0')).restore(blobs);
            expect(restored).toEqual(expected);
          }
        },
      ),
    );
  });

  it('writes a new base once the deltas outgrow it', () => {
    const log = new StateLog(IDENTITY, 'web/local/0');
    const value = 'x'.repeat(300_000);
    const kinds = [0, 1, 2, 3, 4].map(() => log.next([['a', value]], () => [['a', value]])?.kind);
    expect(kinds).toEqual(['base', 'delta', 'delta', 'delta', 'base']);
  });

  it('refuses bytes that were changed', () => {
    const blob = new StateLog(IDENTITY, 't').next([['a', 'value']], () => [['a', 'value']]);
    const bytes = Buffer.from(blob?.bytes ?? []);
    bytes.write('X', bytes.indexOf('value'));
    expect(() => new StateLog(IDENTITY, 't').restore([{ kind: 'base', bytes }])).toThrow(DataDamagedError);
    expect(() =>
      new StateLog(IDENTITY, 't').restore([{ kind: 'base', bytes: bytes.subarray(0, 5) }]),
    ).toThrow(DataDamagedError);
  });

  it('refuses the state of a newer version and says which', () => {
    const newer = new StateLog({ operator: 'local', version: 2 }, 't').next([['a', 1]], () => [['a', 1]]);
    const restore = (): unknown => new StateLog(IDENTITY, 't').restore(newer === undefined ? [] : [newer]);
    expect(restore).toThrow(StateUnknownError);
    expect(restore).toThrow(/"version":2.*"version":1/);
  });
});
