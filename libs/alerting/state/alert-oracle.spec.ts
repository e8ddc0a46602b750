import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { AlertRule, NoDataMeaning } from '../alert-rule.js';
import { type AlertState, type AlertTransition, decideTransitions, isForgettable } from '../alert-state.js';

// The oracle walks second by second over the whole series, remembers everything, and asks at each second what the
// documentation says of it. No deadlines, no state that is carried over in pieces.

const SECOND_MS = 1_000;

interface Row {
  /** When its window ends. */
  readonly at: number;
  readonly value: number;
}

interface Settings {
  readonly hold: number;
  readonly keep: number;
  readonly silence: number;
  readonly noData: NoDataMeaning;
  readonly windows: { readonly breaching: number; readonly of: number } | undefined;
  readonly clearLimit: number;
}

const settings: fc.Arbitrary<Settings> = fc.record({
  hold: fc.integer({ min: 0, max: 5 }),
  keep: fc.integer({ min: 0, max: 5 }),
  silence: fc.integer({ min: 1, max: 6 }),
  noData: fc.constantFrom<NoDataMeaning>('ok', 'keep', 'nodata', 'breach'),
  windows: fc.option(
    fc
      .integer({ min: 1, max: 4 })
      .chain((of) => fc.record({ of: fc.constant(of), breaching: fc.integer({ min: 1, max: of }) })),
    { nil: undefined },
  ),
  clearLimit: fc.constantFrom(10, 5),
});

const series = fc
  .array(fc.record({ step: fc.integer({ min: 1, max: 8 }), value: fc.constantFrom(1, 5, 8, 10, 11, 99) }), {
    maxLength: 25,
  })
  .map((steps) => {
    let at = 0;
    return steps.map(({ step, value }): Row => ({ at: (at += step), value }));
  });

function ruleOf({ hold, keep, silence, noData, windows, clearLimit }: Settings): AlertRule {
  const limits = { direction: 'above', limit: 10, clearLimit } as const;
  return {
    ...{ name: 'r', severity: 'warning', summary: 's', series: 'x', noData },
    condition: { kind: 'threshold', expression: 'v', value: () => 0, ...limits },
    ...{ forMs: hold * SECOND_MS, keepFiringForMs: keep * SECOND_MS, noDataAfterMs: silence * SECOND_MS },
    ...{ notifyWithinMs: 0, ...(windows === undefined ? {} : { windows }) },
  };
}

class Oracle {
  readonly told: string[] = [];
  #status = 'inactive';
  #breachedSince = 0;
  #clearSince = 0;
  #lastRow: number | undefined;
  #isSilent = false;
  #recent: boolean[] = [];
  #hasFired = false;

  constructor(private readonly by: Settings) {}

  second(now: number, row: Row | undefined): void {
    // A row at a deadline still counts before it.
    if (row !== undefined) this.#row(now, row.value);
    this.#deadlines(now);
  }

  #row(now: number, value: number): void {
    const { windows, clearLimit } = this.by;
    this.#lastRow = now;
    this.#isSilent = false;
    this.#recent.push(value > 10);
    if (windows !== undefined) this.#recent = this.#recent.slice(-windows.of);
    const enough =
      windows === undefined ? value > 10 : this.#recent.filter(Boolean).length >= windows.breaching;
    const isClear = !enough && value <= clearLimit;
    if (enough) this.#breach(now);
    else if (isClear) this.#clear(now);
    else this.#between(now);
  }

  #breach(now: number): void {
    if (['inactive', 'resolved', 'nodata'].includes(this.#status)) {
      this.#breachedSince = now;
      this.#hasFired = false;
      this.#become(now, this.by.hold > 0 ? 'pending' : 'firing');
    } else if (this.#status === 'recovering') this.#become(now, 'firing');
    else if (this.#status === 'pending' && now - this.#breachedSince >= this.by.hold)
      this.#become(now, 'firing');
  }

  #clear(now: number): void {
    if (this.#status === 'pending') this.#become(now, 'inactive');
    else if (this.#status === 'nodata') this.#become(now, 'resolved');
    else if (this.#status === 'firing') {
      this.#clearSince = now;
      this.#become(now, this.by.keep > 0 ? 'recovering' : 'resolved');
    }
  }

  #between(now: number): void {
    if (this.#status === 'pending') this.#become(now, 'inactive');
    else if (this.#status === 'nodata') this.#become(now, 'resolved');
    else if (this.#status === 'recovering') this.#become(now, 'firing');
  }

  #deadlines(now: number): void {
    if (this.#lastRow !== undefined && !this.#isSilent && now === this.#lastRow + this.by.silence)
      this.#silence(now);
    if (this.#status === 'recovering' && now - this.#clearSince >= this.by.keep)
      this.#become(now, 'resolved');
    if (this.#status === 'pending' && this.#isSilent && now - this.#breachedSince >= this.by.hold)
      this.#become(now, 'firing');
  }

  #silence(now: number): void {
    const { noData } = this.by;
    if (noData === 'keep' && !['inactive', 'resolved'].includes(this.#status)) return;
    this.#recent = [];
    if (noData === 'keep') return;
    this.#isSilent = noData !== 'ok';
    if (noData === 'nodata') return this.#become(now, 'nodata');
    if (noData === 'breach') return this.#breachBySilence(now);
    if (this.#status === 'pending') this.#become(now, 'inactive');
    else if (this.#status === 'firing' || this.#status === 'recovering') this.#become(now, 'resolved');
  }

  #breachBySilence(now: number): void {
    // Silence holds what is pending up; from there on it needs no row to fire.
    if (this.#status !== 'pending') this.#breach(now);
  }

  #become(now: number, status: string): void {
    this.#status = status;
    this.#hasFired ||= status === 'firing';
    this.told.push(`${now} ${status}`);
  }
}

function oracle(rows: readonly Row[], by: Settings, until: number): readonly string[] {
  const walker = new Oracle(by);
  for (let now = 0; now <= until; now++)
    walker.second(
      now,
      rows.find(({ at }) => at === now),
    );
  return walker.told;
}

function machine(
  rows: readonly Row[],
  by: Settings,
  told: readonly boolean[],
  until: number,
): AlertTransition[] {
  const rule = ruleOf(by);
  let state: AlertState | undefined;
  const found: AlertTransition[] = [];
  const take = (observation: Parameters<typeof decideTransitions>[2]): void => {
    const decision = decideTransitions(rule, state, observation);
    // What is stored is JSON.
    state = JSON.parse(JSON.stringify(decision.state)) as AlertState;
    found.push(...decision.transitions);
  };
  rows.forEach(({ at, value }, i) => {
    const windowEndMs = at * SECOND_MS;
    take({ kind: 'sample', windowStartMs: windowEndMs - SECOND_MS, windowEndMs, value });
    if (told[i]) take({ kind: 'watermark', watermarkMs: windowEndMs });
    // Whatever may be forgotten makes no difference.
    if (state !== undefined && isForgettable(rule, state, { watermarkMs: windowEndMs, settlingMs: 0 }))
      state = undefined;
  });
  take({ kind: 'watermark', watermarkMs: until * SECOND_MS });
  return found;
}

describe('the transitions of every kind of rule', () => {
  it('are what a walk over the whole series finds, however often the watermark is told', () => {
    fc.assert(
      fc.property(
        ...([
          series,
          settings,
          fc.array(fc.boolean(), { minLength: 25, maxLength: 25 }),
          fc.nat(12),
        ] as const),
        (rows, by, told, rest) => {
          const until = (rows.at(-1)?.at ?? 0) + rest;
          const found = machine(rows, by, told, until);
          expect(found.map(({ atMs, to }) => `${atMs / SECOND_MS} ${to}`)).toEqual(oracle(rows, by, until));
        },
      ),
    );
  });

  it('have names of their own, follow one another, and end what they begin', () => {
    fc.assert(
      fc.property(series, settings, (rows, by) => {
        const found = machine(rows, by, [], (rows.at(-1)?.at ?? 0) + 30);
        const names = found.map(({ episode, sequence }) => `${episode.startMs}/${sequence}`);
        expect(new Set(names).size).toBe(names.length);
        found.forEach(({ from, sequence }, i) => {
          if (sequence > 0) expect(from).toBe(found[i - 1]!.to);
          else expect(from).toBe('inactive');
        });
      }),
    );
  });
});
