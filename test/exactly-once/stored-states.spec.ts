import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { StateLog, type StateIdentity, type TaskLogic } from '#libs/functions';
import type { JsonValue } from '#libs/kernel';
import { GLOBAL_STATE, GlobalTaskLogic } from '../../apps/aggregate/global-task.js';
import { LOCAL_STATE, LocalTaskLogic } from '../../apps/aggregate/local-task.js';
import { ALERT_STATE } from '../../apps/alert/alert-state.js';
import { AlertTaskLogic } from '../../apps/alert/alert-task.js';
import { type GivenFrame, giveFrames, type PutOut, STAGE } from './stored-states.js';

// State that former versions have stored, half-way through an hour of events, and what they put out for the rest of it. The
// files are added to, never edited: whoever changes what is stored raises the operator's version, writes a migration and adds
// a file. The present version has to go on from each as if it had been there all the time.

const FOLDER = join('test', 'fixtures', 'state');

interface Fixture {
  readonly operator: string;
  readonly version: number;
  readonly cells: readonly (readonly [string, JsonValue])[];
  /** The rest of the input: what stands in the log from this place on. */
  readonly given: { readonly from: number; readonly frames: readonly GivenFrame[] };
  readonly then: PutOut;
}

interface Stage {
  readonly identity: StateIdentity;
  readonly make: () => TaskLogic;
}

const STAGES: Readonly<Record<string, Stage>> = {
  local: { identity: LOCAL_STATE, make: () => new LocalTaskLogic(STAGE) },
  global: { identity: GLOBAL_STATE, make: () => new GlobalTaskLogic(STAGE) },
  alert: { identity: ALERT_STATE, make: () => new AlertTaskLogic(STAGE) },
};

const fixtures = readdirSync(FOLDER).map(
  (name) => JSON.parse(readFileSync(join(FOLDER, name), 'utf8')) as Fixture,
);

describe('stored state', () => {
  it.each(fixtures.map((fixture) => [`${fixture.operator}, version ${fixture.version}`, fixture] as const))(
    'is gone on with: %s',
    async (_, { operator, version, cells, given, then }) => {
      const { identity, make } = stageOf(operator);
      const stored = new StateLog({ operator, version }, operator).next(cells, () => cells);
      if (stored === undefined) throw new Error('the fixture has no cells');
      const logic = make();
      logic.restore(new StateLog(identity, operator).restore([stored]));
      const found = await giveFrames(logic, given.frames, given.from);
      expect(seenOf(found)).toEqual(seenOf(then));
    },
  );

  it.each(former().map((fixture) => [`${fixture.operator}, version ${fixture.version}`, fixture] as const))(
    'is written as it was, where it was stored so: %s',
    async (_, { operator, version, cells, given, then }) => {
      const { identity, make } = stageOf(operator);
      const before = new StateLog({ operator, version }, operator);
      const blobs = [before.next(cells, () => cells)!];
      const present = new StateLog(identity, operator, 'stored');
      const logic = make();
      logic.restore(present.restore(blobs));
      const half = Math.ceil(given.frames.length / 2);
      const found = await giveFrames(logic, given.frames.slice(0, half), given.from, (changes) => {
        const next = present.next(changes, () => logic.cells());
        if (next !== undefined) blobs.push(next);
      });
      expect(present.version).toBe(version);
      // The former program reads it, and has cells of the kinds that it knows.
      const read = new StateLog({ operator, version }, operator).restore(blobs);
      const kinds = (names: Iterable<string>): Set<string> =>
        new Set([...names].map((name) => name.split('/', 1)[0]!));
      const known = kinds(cells.map(([name]) => name));
      expect([...kinds(read.keys())].filter((kind) => !known.has(kind))).toEqual([]);
      // Whoever goes on from it goes on as if nothing had been in between.
      const next = make();
      next.restore(new StateLog(identity, operator).restore(blobs));
      const rest = await giveFrames(next, given.frames.slice(half), given.from + half);
      expect(seenOf(together(found, rest))).toEqual(seenOf(then));
    },
  );

  it.each(former().map((fixture) => [`${fixture.operator}, version ${fixture.version}`, fixture] as const))(
    'is refused by a former program once it is written anew: %s',
    (_, { operator, version, cells }) => {
      const { identity } = stageOf(operator);
      const stored = new StateLog({ operator, version }, operator).next(cells, () => cells)!;
      const present = new StateLog(identity, operator, 'newest');
      const restored = present.restore([stored]);
      const base = present.next(restored, () => restored)!;
      expect(base.kind).toBe('base');
      expect(() => new StateLog({ operator, version }, operator).restore([base])).toThrow(
        `version ${identity.version} (format 1); this program knows operator '${operator}', version`,
      );
    },
  );

  it.each(Object.entries(STAGES))('has a file of each version of %s', (operator, { identity }) => {
    const present = fixtures.filter((fixture) => fixture.operator === operator).map(({ version }) => version);
    expect(present.sort()).toEqual(Array.from({ length: identity.version }, (_, index) => index + 1));
  });
});

function former(): readonly Fixture[] {
  return fixtures.filter(({ operator, version }) => version < stageOf(operator).identity.version);
}

function together(first: PutOut, second: PutOut): PutOut {
  return {
    frames: [...first.frames, ...second.frames],
    rows: [...first.rows, ...second.rows],
    messages: [...first.messages, ...second.messages],
  };
}

function stageOf(operator: string): Stage {
  const stage = STAGES[operator];
  if (stage === undefined) throw new Error(`${operator} has stored state and is not tried`);
  return stage;
}

/** What the next stage and people see. Corrections of alerts aside: the first version did not judge corrected windows. */
function seenOf({ frames, rows, messages }: PutOut): unknown {
  return {
    frames,
    rows,
    messages: messages.filter(({ data }) => !JSON.stringify(data).includes('"updated"')),
  };
}
