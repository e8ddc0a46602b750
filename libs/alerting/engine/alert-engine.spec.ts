import { describe, expect, it } from '@jest/globals';
import { DEFAULT_POLICY } from '../alert-policy.js';
import { AlertKind, AlertKindName, alertKindName, type CustomSample } from '../kinds/custom.js';
import type { Reading } from '../kinds/condition.js';
import { EngineFixture, MINUTE_MS, minuteRule } from './engine-fixture.js';

/** Values of `n` of the stream `a`, a minute each; `_`: no row. The watermark follows. */
function feed(engine: EngineFixture, values: string, from = 1): EngineFixture {
  values.split(' ').forEach((value, i) => {
    if (value !== '_') engine.minute(from + i, { a: Number(value) });
    engine.watermark(from + i);
  });
  return engine;
}

describe('a rule of the kind', () => {
  //  now          10   10   20   15   40      against: 2m, above: 50 %
  //  2m earlier    -    -   10   10   20
  it('change compares with an earlier window, in percent', () => {
    const change = minuteRule({ kind: 'change', againstMs: 2 * MINUTE_MS, unit: 'percent', limit: 50 });
    const engine = feed(new EngineFixture([change]), '10 10 20 15 40');
    expect(engine.words).toEqual([
      '3m a firing (breach)',
      '4m a resolved (recovered)',
      '5m a firing (breach)',
    ]);
    expect(engine.events[0]).toMatchObject({ value: 100, parts: { now: 20, earlier: 10 } });
  });

  it('change says nothing without the earlier window, or about a percentage of 0', () => {
    const change = minuteRule({ kind: 'change', againstMs: 2 * MINUTE_MS, unit: 'percent', limit: 50 });
    expect(feed(new EngineFixture([change]), '0 _ 99 99').words).toEqual([]);
  });

  it('change takes what is measured, too, and remembers over a restart', () => {
    const change = minuteRule({ kind: 'change', againstMs: 100 * MINUTE_MS, unit: 'absolute', limit: 5 });
    const engine = feed(new EngineFixture([change]), Array.from({ length: 100 }, (_, i) => i % 3).join(' '));
    feed(engine.restart(), '9', 101);
    expect(engine.words).toEqual(['101m a firing (breach)']);
  });

  //  value   10 11 9 10 10 11 | 30  10        over: 6, deviations: 3
  it('spike compares with the windows before', () => {
    const spike = minuteRule({ kind: 'spike', overWindows: 6, leastWindows: 6, towards: 'up', limit: 3 });
    const engine = feed(new EngineFixture([spike]), '10 11 9 10 10 11 30 10');
    expect(engine.words).toEqual(['7m a firing (breach)', '8m a resolved (recovered)']);
  });

  it('spike looks down, or both ways, and is steady on a steady series', () => {
    const spike = (towards: 'down' | 'both'): EngineFixture =>
      feed(
        new EngineFixture([
          minuteRule({ kind: 'spike', overWindows: 4, leastWindows: 4, towards, limit: 3 }),
        ]),
        '50 50 50 50 50 20',
      );
    expect(spike('down').words).toEqual(['6m a firing (breach)']);
    expect(spike('both').words).toEqual(['6m a firing (breach)']);
  });

  const absence = minuteRule(
    { kind: 'absence', afterMs: 5 * MINUTE_MS, withinMs: 60 * MINUTE_MS },
    { noData: 'breach', noDataAfterMs: 5 * MINUTE_MS },
  );
  it('absence fires in silence and ends with a row', () => {
    const engine = feed(new EngineFixture([absence]), '1 1 _ _ _ _ _ _ 1');
    expect(engine.words).toEqual(['7m a firing (no-data)', '9m a resolved (recovered)']);
  });

  it('absence does not judge a stream of long ago', () => {
    const engine = new EngineFixture([absence]).row(1, { n: 1 }).watermark(20, ['a'], 100 * 24 * 60);
    expect(engine.words).toEqual([]);
    expect(engine.cellNames).toEqual(['watermark/0/a']);
  });

  const pattern = (changes: object): EngineFixture =>
    new EngineFixture([
      minuteRule(
        { kind: 'pattern', where: () => true, by: ['k'], times: 1, withinMs: MINUTE_MS, ...changes },
        { series: '' },
      ),
    ]);
  it('pattern fires at an event, and ends when none has matched for a while', () => {
    const engine = pattern({}).match(1).match(3).watermark(7).watermark(8);
    expect(engine.words).toEqual(['1m a firing (breach)', '8m a resolved (recovered)']);
  });

  it('pattern may want several, within a time', () => {
    const engine = pattern({ times: 3 }).match(1).match(2).match(2.2).match(2.4);
    expect(engine.words).toEqual(['2.4m a firing (breach)']);
    expect(pattern({ times: 3 }).match(1).match(2).match(3).match(4).words).toEqual([]);
  });

  it('pattern keeps labels apart, and takes events in any order', () => {
    const engine = pattern({}).match(3, { k: 'x' }).match(1, { k: 'x' }).match(1, { k: 'y' });
    expect(engine.words).toEqual(['3m a/x firing (breach)', '1m a/y firing (breach)']);
  });

  it('custom judges as its class says', () => {
    @AlertKindName('odd')
    class Odd extends AlertKind {
      judge({ measures, past }: CustomSample): Reading {
        const value = Number(measures['n']);
        if (value === 13) throw new Error('unlucky');
        return {
          value,
          parts: { before: past.last(1)[0] ?? 0 },
          verdict: value % 2 === 1 ? 'breach' : 'clear',
        };
      }
    }
    const odd = new Odd();
    expect(alertKindName(odd)).toBe('odd');
    const rule = minuteRule({ kind: 'custom', className: 'odd', options: {} });
    const kinds = new Map([['odd', odd]]);
    const engine = feed(new EngineFixture([rule], DEFAULT_POLICY, { kinds }), '2 3 13 4');
    expect(engine.words).toEqual(['2m a firing (breach)', '4m a resolved (recovered)']);
    expect(engine.events[0]).toMatchObject({ value: 3, parts: { before: 2 } });
  });
});

describe('warm-up', () => {
  it('leaves the first rows of a stream out', () => {
    const engine = feed(new EngineFixture([minuteRule({}, { warmUpMs: 3 * MINUTE_MS })]), '99 99 99 99');
    expect(engine.words).toEqual(['3m a firing (breach)']);
  });
});

describe('a storm', () => {
  //  active   2 told, 2 held -> one storm        maxActive: 2
  const rule = minuteRule({}, { maxActive: 2 });
  const bad = { 'a/1': 99, 'a/2': 99, 'a/3': 99, 'a/4': 99 };
  const good = { 'a/1': 1, 'a/2': 1, 'a/3': 1, 'a/4': 1 };

  it('stands for the label sets that are too many', () => {
    const engine = new EngineFixture([rule]).minute(1, bad).minute(2, bad).restart().minute(3, good);
    expect(engine.words).toEqual([
      '1m 1/a firing (breach)',
      '1m 2/a firing (breach)',
      '1m true firing (storm)',
      '3m 1/a resolved (recovered)',
      '3m 2/a resolved (recovered)',
      '3m true resolved (storm-over)',
    ]);
    expect(engine.events.at(-1)?.value).toBe(2);
  });

  it('ends with its rule', () => {
    const engine = new EngineFixture([rule]).minute(1, bad).restart([]).tick(2);
    expect(engine.words.slice(3)).toEqual([
      '1m 1/a resolved (rule-removed)',
      '1m 2/a resolved (rule-removed)',
      '1m true resolved (rule-removed)',
    ]);
  });
});

describe('a pipeline that stands still', () => {
  const absence = minuteRule(
    { kind: 'absence', afterMs: 5 * MINUTE_MS, withinMs: 60 * MINUTE_MS },
    { noData: 'breach', noDataAfterMs: 5 * MINUTE_MS },
  );
  const both = ['a', 'b'];

  it('is one alert, not one a stream; absence is judged again from its end', () => {
    const engine = new EngineFixture([absence]).minute(1, { a: 1, b: 1 }).watermark(1, both);
    for (let minute = 2; minute <= 11; minute++) engine.tick(minute);
    engine.watermark(11, both).watermark(15, both);
    expect(engine.words).toEqual([
      '3m pipeline-stalled firing (stalled)',
      '11m pipeline-stalled resolved (progress)',
    ]);
    engine.row(16, { stream: 'b', n: 1 }).watermark(16, both);
    expect(engine.words.at(-1)).toBe('16m a firing (no-data)');
  });

  it('is found by the process that comes back', () => {
    const engine = new EngineFixture([absence]).minute(1, { a: 1, b: 1 }).watermark(1, both);
    engine.restart().tick(11).watermark(11, both);
    expect(engine.words).toEqual([
      '3m pipeline-stalled firing (stalled)',
      '11m pipeline-stalled resolved (progress)',
    ]);
  });

  it('is none where only old logs are read, or it was off for a day', () => {
    const old = new EngineFixture([absence]).row(1, { n: 1 }).watermark(1, ['a'], 500).tick(520);
    expect(old.words).toEqual([]);
    const off = new EngineFixture([absence])
      .row(1, { n: 1 })
      .watermark(1)
      .restart()
      .tick(24 * 60);
    expect(off.words).toEqual([]);
  });

  it('is told when every stream falls silent at once', () => {
    const engine = new EngineFixture([absence]).minute(1, { a: 1, b: 1 });
    for (let minute = 2; minute <= 12; minute++) engine.watermark(minute, both);
    engine.minute(13, { a: 1 }).watermark(13, both);
    expect(engine.words).toEqual([
      '6m pipeline-stalled firing (silent)',
      '13m pipeline-stalled resolved (progress)',
    ]);
  });

  it('does not hide the one stream that is missing', () => {
    const engine = new EngineFixture([absence]).minute(1, { a: 1, b: 1 });
    for (let minute = 2; minute <= 7; minute++) engine.minute(minute, { b: 1 }).watermark(minute, both);
    expect(engine.words).toEqual(['6m a firing (no-data)']);
  });
});

describe('rules that are read again', () => {
  const firing = (): EngineFixture => feed(new EngineFixture([minuteRule({})]), '1 99');

  it('keep the state of those whose condition is the same', () => {
    const renamed = minuteRule({}, { severity: 'critical', summary: 'other', forMs: MINUTE_MS });
    const engine = firing().restart([renamed]);
    expect(feed(engine, '99 1', 3).words).toEqual(['2m a firing (breach)', '4m a resolved (recovered)']);
  });

  it('end those whose condition is another', () => {
    const engine = firing().restart([minuteRule({ limit: 20 })]);
    expect(feed(engine, '99', 3).words).toEqual([
      '2m a firing (breach)',
      '2m a resolved (rule-changed)',
      '3m a firing (breach)',
    ]);
  });
});

describe('old data', () => {
  it('is told, marked as historical', () => {
    const engine = new EngineFixture([minuteRule({})]);
    engine.nowMs += 7 * 24 * 60 * MINUTE_MS;
    engine.row(1, { n: 99 });
    expect(engine.events[0]).toMatchObject({ status: 'firing', historical: true });
  });
});

describe('a storm that is full', () => {
  it('leaves what was told before to be corrected', () => {
    const rule = minuteRule({}, { maxActive: 1, correctableMs: 5 * MINUTE_MS });
    const engine = new EngineFixture([rule]).minute(1, { 'a/1': 99 }).minute(2, { 'a/1': 1, 'a/2': 99 });
    engine.row(1, { n: 1, key: { k: '1' }, revision: 1 });
    expect(engine.words).toEqual([
      '1m 1/a firing (breach)',
      '2m 1/a resolved (recovered)',
      '2m 2/a firing (breach)',
      '2m 1/a resolved (updated)',
    ]);
  });
});
