import { describe, expect, it } from '@jest/globals';
import type { Delivery } from '#libs/messaging';
import { Telemetry } from '#libs/observability';
import type { DocumentWrite } from '#libs/storage';
import { anEvent, ManualClock } from '#libs/testing';
import { defineIntervalJoin } from '../joins/join-function.js';
import { joinTask } from '../joins/join-tasks.js';
import type { Outputs, TaskInput, TaskLogic } from '../task-logic.js';
import { count } from '../windows/measure.js';
import { tumbling } from '../windows/stated-window.js';
import { type AnyWindowFunction, defineWindowFunction } from '../windows/window-function.js';
import { windowLocalTask } from '../windows/window-tasks.js';

const WINDOW = defineWindowFunction({
  name: 'orders',
  input: 'shop.orders',
  window: tumbling('1m').withoutLateness(),
  measures: { orders: count() },
});
const JOIN = defineIntervalJoin({
  name: 'paid',
  left: { topic: 'shop.orders' },
  right: { topic: 'shop.payments' },
  within: { before: '0s', after: '1m' },
  kind: 'inner',
  output: 'shop.paid',
  join: () => ({}),
});
const OPTIONS = {
  pipeline: 'shop',
  time: { maxOutOfOrdernessMs: 0, maxFutureSkewMs: 0, idleAfterMs: 0 },
  topics: (name: string) => ({ name, partitions: 1 }),
  clock: new ManualClock(),
  telemetry: new Telemetry({ logLevel: 'silent' }),
  results: { putOpenWindows: async () => undefined, removeOpenWindows: async () => undefined },
};

class Documents implements Outputs {
  readonly bytes = 0;
  readonly written: DocumentWrite[] = [];
  row(): void {}
  message(): void {}
  afterDelivery(): void {}
  document(write: DocumentWrite): void {
    this.written.push(write);
  }
}

const LOGICS: readonly (readonly [string, () => TaskLogic])[] = [
  [
    'window',
    () => windowLocalTask({ ...OPTIONS, definition: WINDOW as unknown as AnyWindowFunction }, 0).logic,
  ],
  ['join', () => joinTask({ ...OPTIONS, definition: JOIN as never }, 0).logic],
];

function messageOf(items: TaskInput['frame']['items']): TaskInput {
  const delivery: Delivery = {
    ...{ topic: 'shop.orders', partition: 0, position: [0, 0, 0, 0] },
    ...{ payload: Buffer.alloc(0), publishTimeMs: 0, properties: {} },
  };
  return { delivery, frame: { header: { v: 1, kind: 'enriched' }, items } };
}

describe.each(LOGICS)('a %s on which its process dies', (_kind, make) => {
  it('is named the same on every run, is put aside as a dead letter, and counts nowhere', async () => {
    const logic = make();
    logic.restore(new Map());
    const event = anEvent({ id: 'killer' });
    const outputs = new Documents();
    expect(logic.userCode?.idOf(event)).toBe('event/demo/killer');
    expect(logic.userCode?.idOf({ ...event, again: { to: 'another' } })).toBeUndefined();
    logic.userCode?.quarantine(messageOf([event]), event, { ends: 3, outputs });
    await logic.apply(messageOf([]), outputs);
    logic.flush(outputs, 1_000);
    const cells = new Map(logic.cells());
    expect(outputs.written).toMatchObject([
      { collection: 'dead-letters', body: { code: 'FUNCTION_CRASHED' } },
    ]);
    expect([cells.get('c/dead'), cells.get('c/counted'), cells.get('c/taken')]).toEqual([
      1,
      undefined,
      undefined,
    ]);
  });
});
