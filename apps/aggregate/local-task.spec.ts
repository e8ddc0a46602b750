import { describe, expect, it } from '@jest/globals';
import type { Outputs, TaskInput } from '#libs/functions';
import type { DeadEvent, JsonObject, JsonValue, StreamEvent } from '#libs/kernel';
import {
  BEFORE_FIRST,
  decodeFrame,
  type Frame,
  type FrameHeader,
  type OutgoingMessage,
} from '#libs/messaging';
import { Telemetry } from '#libs/observability';
import type { DocumentWrite } from '#libs/storage';
import { count, type Fields, type Partial, type SeriesDefinition, tumbling } from '#libs/windowing';
import { LocalTaskLogic } from './local-task.js';

const SECOND = 1_000;
const START = 1_800_000_000_000;
const TIME = { maxOutOfOrdernessMs: 10 * SECOND, maxFutureSkewMs: 60 * SECOND, idleAfterMs: 10 * SECOND };
const BY_PATH: SeriesDefinition = {
  name: 'by_path',
  window: tumbling('1m'),
  allowedLatenessMs: 0,
  where: (data) => data['path'] !== '/health',
  by: ['path'],
  measures: [{ name: 'requests', aggregator: count() }],
};
const FORGIVING: SeriesDefinition = {
  ...BY_PATH,
  name: 'forgiving',
  allowedLatenessMs: 600 * SECOND,
  by: [],
};
const PARTITIONS = { partials: 2, late: 1, dead: 1 } as Readonly<Record<string, number>>;

class CollectedOutputs implements Outputs {
  bytes = 0;
  documents: DocumentWrite[] = [];
  messages: { readonly topic: string; readonly partition: number; readonly message: OutgoingMessage }[] = [];
  #actions: (() => void)[] = [];

  row(): void {
    throw new Error('a local task makes no rows');
  }

  document(write: DocumentWrite): void {
    this.documents.push(write);
  }

  message(topic: string, partition: number, message: OutgoingMessage): void {
    this.messages.push({ topic, partition, message });
  }

  afterDelivery(action: () => void): void {
    this.#actions.push(action);
  }

  deliver(): void {
    for (const action of this.#actions) action();
  }

  to(topic: string): { readonly partition: number; readonly message: OutgoingMessage }[] {
    return this.messages.filter((each) => each.topic === topic);
  }

  dataOf(topic: string): { id: string; data: JsonObject }[] {
    return this.to(topic).map(({ message }) => ({
      id: message.properties!['ce_id']!,
      data: JSON.parse(Buffer.from(message.payload).toString()) as JsonObject,
    }));
  }

  frames(partition?: number): Frame<Partial>[] {
    return this.to('partials')
      .filter((each) => partition === undefined || each.partition === partition)
      .map(({ message }) => decodeFrame<Partial>(message.payload, 'partials'));
  }
}

const telemetry = new Telemetry({ logLevel: 'silent' });

function localTask(
  series: readonly SeriesDefinition[] = [BY_PATH],
  cells = new Map<string, JsonValue>(),
): LocalTaskLogic {
  const logic = new LocalTaskLogic({
    pipeline: { name: 'web', partitions: 1, series, time: TIME },
    partition: 0,
    topic: (noun) => noun,
    partitionsOf: (noun) => PARTITIONS[noun] ?? 1,
    telemetry,
  });
  logic.restore(cells);
  return logic;
}

function frame(
  items: readonly (StreamEvent | DeadEvent)[],
  header: { [K in keyof FrameHeader]?: FrameHeader[K] } = {},
  publishTimeMs = START,
): TaskInput {
  const delivery = {
    topic: 'enriched',
    partition: 0,
    position: BEFORE_FIRST,
    payload: Buffer.of(),
    publishTimeMs,
    properties: {},
  };
  return { delivery, frame: { header: { v: 1, kind: 'enriched', ...header }, items } };
}

function event(seconds: number, data: Fields = { path: '/a' }, stream = 'shop'): StreamEvent {
  return { id: `e${seconds}`, stream, timeMs: START + seconds * SECOND, receivedMs: START, type: 't', data };
}

function flushed(logic: LocalTaskLogic): CollectedOutputs {
  const outputs = new CollectedOutputs();
  expect(logic.flush(outputs)).toBe('done');
  return outputs;
}

const fatesIn = (outputs: CollectedOutputs): unknown =>
  outputs.documents.filter(({ collection }) => collection === 'fates').map(({ id, body }) => [id, body]);

describe('a flush', () => {
  it('sends each delta to the partition of its series, stream and key, and progress behind the last to each', () => {
    const logic = localTask();
    const events = Array.from({ length: 20 }, (_, i) => event(i, { path: `/${i}` }));
    logic.apply(frame(events), new CollectedOutputs());
    expect(logic.urgency()).toBe('soon');
    const outputs = flushed(logic);
    expect(logic.urgency()).toBe('pace');
    const partitions = [0, 1].map((partition) => outputs.frames(partition));
    for (const frames of partitions) {
      expect(frames).toHaveLength(1);
      expect(frames[0]!.items.length).toBeGreaterThan(0);
      expect(frames[0]!.header).toEqual({
        v: 1,
        kind: 'partials',
        progress: { shop: { watermarkMs: START + 9 * SECOND } },
      });
    }
    expect(partitions.flat().flatMap(({ items }) => items)).toHaveLength(20);
  });

  it('gives the same key the same partition, commit after commit', () => {
    const logic = localTask();
    const targets = [0, 1, 2].map((second) => {
      logic.apply(frame([event(second)]), new CollectedOutputs());
      return flushed(logic)
        .to('partials')
        .findIndex(({ message }) => message.payload.byteLength > 150);
    });
    expect(new Set(targets).size).toBe(1);
  });

  it('tells a stream that has just been opened, and a watermark without a delta, to every partition', () => {
    const logic = localTask();
    logic.apply(frame([], { markers: [{ type: 'open', stream: 'shop' }] }), new CollectedOutputs());
    expect(
      flushed(logic)
        .frames()
        .map(({ header }) => header.progress),
    ).toEqual([{ shop: {} }, { shop: {} }]);
    logic.apply(frame([event(5, { path: '/health' })]), new CollectedOutputs());
    const progress = { shop: { watermarkMs: START - 5 * SECOND } };
    expect(
      flushed(logic)
        .frames()
        .map(({ header, items }) => [header.progress, items]),
    ).toEqual([
      [progress, []],
      [progress, []],
    ]);
    expect(flushed(logic).messages).toEqual([]);
  });

  it('makes frames of at most 256 KB, and lets progress ride in the last alone', () => {
    const logic = localTask();
    const events = Array.from({ length: 800 }, (_, i) =>
      event(i / 100, { path: `/${i}/${'ж'.repeat(400)}` }),
    );
    logic.apply(frame(events), new CollectedOutputs());
    const outputs = flushed(logic);
    expect(Math.max(...outputs.messages.map(({ message }) => message.payload.byteLength))).toBeLessThan(
      256 * 1024,
    );
    for (const partition of [0, 1]) {
      const frames = outputs.frames(partition);
      expect(frames.length).toBeGreaterThan(1);
      expect(frames.map(({ header }) => header.progress !== undefined)).toEqual([
        ...frames.slice(1).map(() => false),
        true,
      ]);
    }
  });
});

describe('an event that no window counts', () => {
  it('goes to late once for each series that refused it, with a deterministic id', () => {
    const logic = localTask([BY_PATH, FORGIVING, { ...BY_PATH, name: 'strict' }]);
    const outputs = new CollectedOutputs();
    logic.apply(frame([event(60), event(-60)]), outputs);
    expect(outputs.dataOf('late')).toEqual(
      ['by_path', 'strict'].map((series) => ({
        id: `e-60/${series}`,
        data: {
          reason: 'late',
          byMs: 50 * SECOND,
          series,
          window: { startMs: START - 60 * SECOND, endMs: START },
          event: event(-60),
        },
      })),
    );
    expect(outputs.to('late')[0]!.message.properties).toMatchObject({
      ce_type: 'com.millrace.late.v1',
      ce_source: '/pipelines/web/streams/shop',
    });
  });

  it('goes to late once if it is from the future, and opens no window', () => {
    const logic = localTask();
    const outputs = new CollectedOutputs();
    logic.apply(frame([event(61)]), outputs);
    expect(outputs.dataOf('late')).toEqual([
      { id: 'e61/future', data: { reason: 'future', byMs: SECOND, event: event(61) } },
    ]);
    expect(
      flushed(logic)
        .frames()
        .flatMap(({ items }) => items),
    ).toEqual([]);
  });

  it('may have a time that no calendar has', () => {
    const outputs = new CollectedOutputs();
    localTask().apply(frame([{ ...event(0), timeMs: 9e15 }]), outputs);
    expect(outputs.to('late')[0]!.message.properties!['ce_time']).toBe('+275760-09-13T00:00:00.000Z');
  });

  it('goes to dead and to the dead letters if it could not be processed', () => {
    const outputs = new CollectedOutputs();
    const dead = {
      code: 'LINE_UNPARSABLE',
      reason: 'no format fits',
      stage: 'ingest',
      line: 3,
      attempts: 1,
      original: 'x',
      originalBytes: 1,
    };
    const item: DeadEvent = { id: 'd1', stream: 'shop', receivedMs: START, dead };
    localTask().apply(frame([item]), outputs);
    expect(outputs.dataOf('dead')).toEqual([{ id: 'd1', data: item }]);
    expect(outputs.documents).toEqual([
      {
        collection: 'dead-letters',
        id: 'web/shop/d1',
        timeMs: START,
        fields: { pipeline: 'web', stream: 'shop', code: 'LINE_UNPARSABLE' },
        body: { eventId: 'd1', stream: 'shop', receivedMs: START, ...dead },
      },
    ]);
  });
});

describe('the fates', () => {
  const dead: DeadEvent = {
    id: 'd1',
    stream: 'shop',
    receivedMs: START,
    dead: { code: 'EVENT_INVALID', reason: '', stage: 'ingest', attempts: 1, original: '', originalBytes: 0 },
  };
  const input = frame([event(60), event(-30), event(-600), event(61), event(40, { path: '/health' }), dead], {
    dropped: { shop: { duplicate: 4 }, other: { filtered: 1 } },
  });
  const counts = { counted: 1, late: 2, future: 1, filtered: 1, dead: 1, duplicate: 4 };

  it('count every event once, and are put out when they have changed', async () => {
    const logic = localTask();
    logic.apply(input, new CollectedOutputs());
    const outputs = flushed(logic);
    expect(fatesIn(outputs)).toEqual([
      ['web/0/shop', { counts, deadByCode: { EVENT_INVALID: 1 } }],
      ['web/0/other', { counts: { filtered: 1 }, deadByCode: {} }],
    ]);
    expect(fatesIn(flushed(logic))).toEqual([]);
    outputs.deliver();
    const { text } = await telemetry.metrics();
    expect(text).toContain('millrace_event_fates_total{pipeline="web",stream="shop",fate="duplicate"} 4');
  });

  it('sent again to a function are counted as such and change no window', () => {
    const logic = localTask();
    const again = { ...event(5), id: 'e5/r1', again: { id: 'e5', times: 1, to: 'flag' } };
    logic.apply(frame([again]), new CollectedOutputs());
    expect(logic.urgency()).toBe('pace');
    const outputs = flushed(logic);
    expect(outputs.frames().flatMap(({ items }) => items)).toEqual([]);
    expect(fatesIn(outputs)).toEqual([['web/0/shop', { counts: { addressed: 1 }, deadByCode: {} }]]);
  });

  it('go on from the commit after a restart', () => {
    const logic = localTask();
    logic.apply(input, new CollectedOutputs());
    flushed(logic);
    const changes = new Map(logic.changes() as Iterable<readonly [string, JsonValue]>);
    expect(new Map(logic.cells())).toEqual(changes);
    const again = localTask(
      [BY_PATH],
      new Map(JSON.parse(JSON.stringify([...changes])) as [string, JsonValue][]),
    );
    again.apply(frame([event(62, {}, 'shop')], {}, START + 1), new CollectedOutputs());
    expect(fatesIn(flushed(again))).toEqual([
      ['web/0/shop', { counts: { ...counts, future: 2 }, deadByCode: { EVENT_INVALID: 1 } }],
    ]);
  });

  it('call late what one series refused only if no other took it', () => {
    const logic = localTask([BY_PATH, FORGIVING]);
    logic.apply(frame([event(60), event(-60)]), new CollectedOutputs());
    expect(fatesIn(flushed(logic))).toEqual([['web/0/shop', { counts: { counted: 2 }, deadByCode: {} }]]);
  });
});

describe('time', () => {
  const tick = (logic: LocalTaskLogic, nowMs: number): void =>
    logic.tick({ nowMs, siblings: new Map([[0, JSON.parse(JSON.stringify(logic.facts())) as JsonObject]]) });

  /** Ten seconds and more of nothing but heartbeats, or of events of another stream. */
  function quiet(logic: LocalTaskLogic, inputAt: (nowMs: number) => TaskInput): void {
    for (let second = 0; second <= 24; second += 2) {
      const nowMs = START + second * SECOND;
      logic.apply(inputAt(nowMs), new CollectedOutputs());
      tick(logic, nowMs);
    }
  }

  it('goes on by heartbeats alone', () => {
    const logic = localTask();
    logic.apply(frame([event(0)]), new CollectedOutputs());
    flushed(logic);
    quiet(logic, (nowMs) => frame([], { caughtUp: true }, nowMs));
    expect(flushed(logic).frames(0)[0]!.header.progress).toEqual({
      shop: { watermarkMs: START + 4 * SECOND },
    });
  });

  it('of a quiet stream goes on beside a busy one, in a partition that is read to its end', () => {
    const logic = localTask();
    logic.apply(frame([event(0)]), new CollectedOutputs());
    flushed(logic);
    quiet(logic, (nowMs) => {
      logic.apply(frame([{ ...event(0, {}, 'busy'), receivedMs: nowMs }], {}, nowMs), new CollectedOutputs());
      return frame([], { caughtUp: true }, nowMs);
    });
    expect(flushed(logic).frames(0)[0]!.header.progress).toMatchObject({
      shop: { watermarkMs: START + 4 * SECOND },
    });
  });

  it('of a quiet stream stands still while nobody says that the partition is read to its end', () => {
    const logic = localTask();
    logic.apply(frame([event(0)]), new CollectedOutputs());
    flushed(logic);
    quiet(logic, (nowMs) => frame([{ ...event(0, {}, 'busy'), receivedMs: nowMs }], {}, nowMs));
    expect(flushed(logic).frames(0)[0]!.header.progress).not.toHaveProperty('shop');
  });

  it('puts the keys above the cap in one, and counts their events once they are delivered', async () => {
    const capped = { ...BY_PATH, maxKeys: 1 };
    const logic = localTask([capped]);
    logic.apply(
      frame([event(1, { path: '/a' }), event(2, { path: '/b' }), event(3, { path: '/c' })]),
      new CollectedOutputs(),
    );
    const outputs = flushed(logic);
    const keys = outputs
      .frames()
      .flatMap(({ items }) => items.map(({ key, events }) => [key['path'], events]));
    expect(new Map(keys as [string, number][])).toEqual(
      new Map([
        ['/a', 1],
        ['__other__', 2],
      ]),
    );
    outputs.deliver();
    expect((await telemetry.metrics()).text).toContain(
      'millrace_aggregate_other_key_events_total{pipeline="web",series="by_path"} 2',
    );
    const again = localTask([capped], new Map(logic.cells()));
    again.apply(frame([event(4, { path: '/b' }), event(5, { path: '/a' })]), new CollectedOutputs());
    expect(
      flushed(again)
        .frames()
        .flatMap(({ items }) => items.map(({ key }) => key['path']))
        .sort(),
    ).toEqual(['/a', '__other__']);
  });

  it('takes part in a close, and tells it with its deltas', () => {
    const logic = localTask();
    logic.apply(
      frame([event(30)], { markers: [{ type: 'closing', stream: 'shop', closeId: 'c1' }] }),
      new CollectedOutputs(),
    );
    expect(logic.urgency()).toBe('soon');
    expect(logic.facts()).toEqual({
      streams: { shop: { highestMs: START + 30 * SECOND } },
      closings: { c1: { stream: 'shop', highestMs: START + 30 * SECOND } },
    });
    flushed(logic);
    tick(logic, START);
    expect(flushed(logic).frames(1)[0]!.header.progress).toEqual({
      shop: { closed: { closeId: 'c1', untilMs: START + 30 * SECOND } },
    });
  });
});
