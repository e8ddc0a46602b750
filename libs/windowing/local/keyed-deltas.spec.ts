import { describe, expect, it } from '@jest/globals';
import type { JsonScalar } from '#libs/kernel';
import { count } from '../aggregators/count.js';
import { max } from '../aggregators/extremes.js';
import type { Partial } from '../partial.js';
import { tumbling } from '../time/window.js';
import { KeyedDeltas } from './keyed-deltas.js';

const WINDOW = { startMs: 0, endMs: 60_000 };

/** Deltas of one window, and which keys it has asked to be admitted, in order. */
class Gathering {
  readonly asked: JsonScalar[] = [];
  readonly #deltas: KeyedDeltas;

  constructor(refused: readonly string[] = []) {
    const series = {
      name: 'requests',
      window: tumbling('1m'),
      allowedLatenessMs: 0,
      by: ['path'],
      measures: [
        { name: 'n', aggregator: count() },
        { name: 'most', aggregator: max(), value: ({ size }: Readonly<Record<string, unknown>>) => size },
      ],
    };
    const admits = (_: unknown, [path]: readonly JsonScalar[]): boolean => {
      this.asked.push(path!);
      return !refused.includes(String(path));
    };
    const admission = { admits, countOther: () => undefined };
    this.#deltas = new KeyedDeltas({ series, stream: 'web', admission }, WINDOW, WINDOW);
  }

  add(paths: string, size = 1): this {
    for (const path of paths) {
      this.#deltas.add({
        id: 'e',
        stream: 'web',
        timeMs: 1,
        receivedMs: size,
        type: 't',
        data: { path, size },
      });
    }
    return this;
  }

  drained(): readonly string[] {
    const partials: Partial[] = [];
    this.#deltas.drain(partials);
    expect(this.#deltas.isEmpty).toBe(true);
    return partials.map(({ key, measures, events, oldestReceivedMs }) => {
      expect(measures['n']).toBe(events);
      return `${key['path']} × ${events}, most ${JSON.stringify(measures['most'])}, since ${oldestReceivedMs}`;
    });
  }
}

describe('the keys of a window', () => {
  it('are admitted once, and begin anew with each drain', () => {
    const gathering = new Gathering().add('aba', 9);
    expect(gathering.drained()).toEqual(['a × 2, most 9, since 9', 'b × 1, most 9, since 9']);
    expect(gathering.drained()).toEqual([]);
    expect(gathering.asked).toEqual(['a', 'b']);
    const again = new Gathering().add('aba', 9);
    again.drained();
    expect(again.add('b', 5).add('b', 7).drained()).toEqual(['b × 2, most 7, since 5']);
    expect(again.asked).toEqual(['a', 'b']);
  });

  //   before      abcdefgh       8 known
  //   drain 1     ab             2 of 8 had an event: kept
  //   drain 2     a              1 of 8: let go
  it('are kept while one of four has an event from drain to drain', () => {
    const gathering = new Gathering().add('abcdefgh');
    gathering.drained();
    gathering.add('ab').drained();
    expect(gathering.asked.splice(0)).toHaveLength(8);
    gathering.add('a').drained();
    expect(gathering.asked).toEqual([]);
    expect(gathering.add('a').drained()).toEqual(['a × 1, most 1, since 1']);
    expect(gathering.asked).toEqual(['a']);
  });

  it('are not kept where one was refused, for the refused have no bound', () => {
    const gathering = new Gathering(['x', 'y']).add('axya');
    expect(gathering.drained()).toEqual(['a × 2, most 1, since 1', '__other__ × 2, most 1, since 1']);
    expect(gathering.add('xa').drained()).toEqual([
      'a × 1, most 1, since 1',
      '__other__ × 1, most 1, since 1',
    ]);
    expect(gathering.asked).toEqual(['a', 'x', 'y', 'x', 'a']);
  });
});
