import { describe, expect, it } from '@jest/globals';
import type { CoveringOutput } from '#libs/functions';
import type { DeadEvent, JsonValue, StreamEvent } from '#libs/kernel';
import { type Delivery, encodeFrame, type FrameHeader } from '#libs/messaging';
import { EnrichTaskLogic } from './enrich-task.js';
import { SentAgainIds } from './sent-again-ids.js';
import type { EventData } from './steps/step.js';

const DEAD = { code: 'X', reason: 'x', stage: 'ingest', attempts: 1, original: '', originalBytes: 0 };

function event(id: string, stream = 'web'): StreamEvent {
  return { id, stream, timeMs: 0, receivedMs: 1_000, type: 'web-request@1', data: { path: '/' } };
}

function dead(id: string): DeadEvent {
  return { id, stream: 'web', receivedMs: 1_000, dead: DEAD };
}

function delivery(payload: Uint8Array, entry = 0): Delivery {
  return {
    topic: 'raw',
    partition: 1,
    position: [0, entry, 0, 0],
    payload,
    publishTimeMs: 5,
    properties: {},
  };
}

function frame(items: readonly (StreamEvent | DeadEvent)[], header: Partial<FrameHeader> = {}): Delivery {
  const lines = items.map((item) => JSON.stringify(item));
  return delivery(encodeFrame({ v: 1, kind: 'raw', ...header }, lines).payload);
}

function logic(): EnrichTaskLogic {
  const step = (data: EventData): undefined => void (data['seen'] = true);
  return new EnrichTaskLogic({ deduplicateForMs: 600_000, steps: [step] });
}

/** Steps that need not wait answer at once. */
function transform(task: EnrichTaskLogic, given: Delivery): CoveringOutput {
  const output = task.transform(given);
  if (output instanceof Promise) throw new Error('it waits');
  return output;
}

function itemsOf({ lines }: CoveringOutput): readonly (StreamEvent | DeadEvent)[] {
  return lines.map((line) => JSON.parse(line) as StreamEvent | DeadEvent);
}

describe('enrich', () => {
  it('runs every step on each event, and leaves what is dead as it is', () => {
    const output = transform(logic(), frame([event('1'), dead('2')]));
    expect(itemsOf(output)).toEqual([{ ...event('1'), data: { path: '/', seen: true } }, dead('2')]);
    expect(output.events).toBe(2);
  });

  it('drops the repeat of an id in the same stream, and counts it', () => {
    const task = logic();
    transform(task, frame([event('1'), event('2')]));
    const output = transform(task, frame([event('2'), event('3'), event('1', 'other'), event('1')]));
    expect(itemsOf(output).map(({ id, stream }) => `${stream} ${id}`)).toEqual(['web 3', 'other 1']);
    expect(output.dropped).toEqual({ web: { duplicate: 2 } });
  });

  it('takes an event under the id of one that was refused: it was mended', () => {
    const task = logic();
    transform(task, frame([dead('1')]));
    const output = transform(task, frame([event('1'), dead('1')]));
    expect(itemsOf(output)).toMatchObject([{ id: '1', data: { seen: true } }]);
    expect(output.dropped).toEqual({ web: { duplicate: 1 } });
  });

  it('does not look up ids that ingest made', () => {
    const task = logic();
    const header = { generatedIds: 'run-' };
    transform(task, frame([event('run-1')], header));
    expect([...task.cells()]).toEqual([]);
    expect(transform(task, frame([event('run-1')], header)).lines).toHaveLength(1);
  });

  it('passes markers on', () => {
    const markers = [{ type: 'open' as const, stream: 'web' }];
    expect(transform(logic(), frame([], { markers })).markers).toEqual(markers);
  });

  it('makes a dead event of what is no frame, with a name of its own', () => {
    const [item] = itemsOf(transform(logic(), delivery(Buffer.from('hello'), 7)));
    expect(item).toMatchObject({
      id: 'raw/1/0:7:0:0',
      dead: { code: 'FRAME_UNDECODABLE', original: 'hello' },
    });
  });

  it('passes on what was sent again to a function as it is, and counts it once, however long ago it came', () => {
    const task = new EnrichTaskLogic({
      deduplicateForMs: 0,
      steps: [(): undefined => void expect(0).toBe(1)],
    });
    const again = { ...event('1/r1'), again: { id: '1', times: 1, to: 'flag' } };
    expect(itemsOf(transform(task, frame([again])))).toEqual([again]);
    const after = new EnrichTaskLogic({ deduplicateForMs: 0, steps: [] });
    after.restore(new Map(task.changes()) as ReadonlyMap<string, JsonValue>);
    expect(transform(after, frame([again]))).toMatchObject({ lines: [], dropped: { web: { duplicate: 1 } } });
  });

  it('enriches what is parsed anew', () => {
    const again = { ...event('1/r1'), again: { id: '1', times: 1 } };
    expect(itemsOf(transform(logic(), frame([again])))).toMatchObject([{ data: { seen: true } }]);
  });

  it('forgets the oldest of very many that were sent again', () => {
    const ids = new SentAgainIds(2);
    const isRepeat = (id: string): boolean => ids.isRepeat({ stream: 's', id });
    expect(['a', 'b', 'a', 'c', 'a'].map(isRepeat)).toEqual([false, false, true, false, false]);
    expect([...ids.cells()].map(([name]) => name)).toEqual(['again/s\nc', 'again/s\na']);
  });

  it('says what it waits for: a source of look-ups, or else user code', () => {
    const options = { deduplicateForMs: 0, steps: [] };
    expect(new EnrichTaskLogic(options).waitingFor).toBe('user code');
    const waiting = new EnrichTaskLogic({ ...options, waitingFor: () => 'lookup:mongodb:accounts' });
    expect(waiting.waitingFor).toBe('lookup:mongodb:accounts');
  });

  it('goes on after a restart as if there had been none', () => {
    const before = logic();
    transform(before, frame([event('1')]));
    const after = logic();
    after.restore(new Map(before.changes()) as ReadonlyMap<string, JsonValue>);
    expect(transform(after, frame([event('1'), event('2')])).lines).toHaveLength(1);
  });
});
