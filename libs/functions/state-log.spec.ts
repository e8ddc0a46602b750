import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { JsonValue } from '#libs/kernel';
import { DataDamagedError, type StateBlob } from '#libs/storage';
import { StateMigrationFailedError, StateUnknownError } from './functions.errors.js';
import { StateLog } from './state-log.js';
import type { StateIdentity } from './state-migration.js';

const IDENTITY = { operator: 'local', version: 1 };

/** Values of version 2, times a hundred. */
const THIRD: StateIdentity = {
  operator: 'local',
  version: 3,
  migrations: { 3: (cells) => new Map([...cells].map(([name, value]) => [name, Number(value) * 100])) },
};

function blobOf(identity: StateIdentity, cells: readonly (readonly [string, JsonValue])[]): StateBlob {
  return new StateLog(identity, 't').next(cells, () => cells) as StateBlob;
}

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

  it('refuses the state of a newer version, and of another operator, and says what was found and what is known', () => {
    const newer = blobOf({ operator: 'local', version: 4 }, [['a', 1]]);
    const restore = (): unknown => new StateLog(THIRD, 'web/local/0').restore([newer]);
    expect(restore).toThrow(StateUnknownError);
    expect(restore).toThrow(
      "web/local/0 has state of operator 'local', version 4 (format 1); " +
        "this program knows operator 'local', versions 2 to 3 (format 1)",
    );
    const other = blobOf({ operator: 'global', version: 1 }, [['a', 1]]);
    expect(() => new StateLog(IDENTITY, 't').restore([other])).toThrow("operator 'global', version 1");
  });

  it('refuses the state of an older version than its migrations reach', () => {
    const oldest = blobOf({ operator: 'local', version: 1 }, [['a', 1]]);
    expect(() => new StateLog(THIRD, 't').restore([oldest])).toThrow('version 1');
  });

  it('brings older state to the present version, and stores that as a new base with the next change', () => {
    const second = { operator: 'local', version: 2 };
    const log = new StateLog(second, 't');
    const base = log.next([['a', 1]], () => [['a', 1]]);
    const delta = log.next([['b', 2]], () => []);
    const migrating = new StateLog(THIRD, 't');
    const cells = migrating.restore([base, delta] as StateBlob[]);
    expect([...cells]).toEqual([
      ['a', 100],
      ['b', 200],
    ]);
    const next = migrating.next([['b', 300]], () => cells) as StateBlob;
    expect(next.kind).toBe('base');
    expect(new StateLog({ operator: 'local', version: 3 }, 't').restore([next])).toEqual(cells);
  });

  it('names the step of a migration that has failed', () => {
    const failing = {
      ...THIRD,
      migrations: {
        3: () => {
          throw new Error('no such thing');
        },
      },
    };
    const old = blobOf({ operator: 'local', version: 2 }, [['a', 1]]);
    const restore = (): unknown => new StateLog(failing, 't').restore([old]);
    expect(restore).toThrow(StateMigrationFailedError);
    expect(restore).toThrow(
      "the state of t (operator 'local') can't be brought from version 2 to 3: no such thing",
    );
  });

  it('goes on in the version that is stored where it can be written, base and deltas, and older programs read it', () => {
    const second: StateIdentity = { operator: 'local', version: 2 };
    const both: StateIdentity = {
      ...THIRD,
      downgrades: { 2: (changes) => new Map([...changes].map(([name, value]) => [name, hundredth(value)])) },
    };
    const change = fc.tuple(
      fc.constantFrom('a', 'b', 'c'),
      fc.option(
        fc.string({ maxLength: 400_000 }).map((text) => text.length),
        { nil: undefined },
      ),
    );
    fc.assert(
      fc.property(fc.array(fc.array(change, { maxLength: 3 }), { maxLength: 8 }), (commits) => {
        let blobs = [blobOf(second, [['a', 7]])];
        const expected = new Map<string, JsonValue>([['a', 700]]);
        for (const changes of commits) {
          const log = new StateLog(both, 't', 'stored');
          expect(log.restore(blobs)).toEqual(expected);
          for (const [name, value] of changes) {
            if (value === undefined) expected.delete(name);
            else expected.set(name, value * 100);
          }
          const made = new Map(changes.map(([name]) => [name, expected.get(name)]));
          blobs = keep(
            blobs,
            log.next(made, () => expected),
          );
          expect(log.version).toBe(2);
        }
        const former = new StateLog(second, 't').restore(blobs);
        expect(former).toEqual(new Map([...expected].map(([name, value]) => [name, Number(value) / 100])));
        const told = new StateLog(both, 't', 'newest');
        const cells = told.restore(blobs);
        expect(told.next(cells.size === 0 ? [['z', 1]] : cells, () => cells)?.kind).toBe('base');
        expect(told.version).toBe(3);
      }),
    );
  });

  it('writes the present version where no downgrade leads to the stored one', () => {
    const log = new StateLog(THIRD, 't', 'stored');
    log.restore([blobOf({ operator: 'local', version: 2 }, [['a', 1]])]);
    expect(log.version).toBe(3);
  });
});

function hundredth(value: JsonValue | undefined): JsonValue | undefined {
  return value === undefined ? undefined : Number(value) / 100;
}
