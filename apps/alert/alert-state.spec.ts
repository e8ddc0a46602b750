import { describe, expect, it } from '@jest/globals';
import type { JsonValue } from '#libs/kernel';
import { ALERT_STATE } from './alert-state.js';

describe('the state of alerts', () => {
  it('of version 2 has groups whose members become cells of their own', () => {
    const head = { labels: { rule: 'r' }, createdMs: 1, sequence: 2, dueMs: 3 };
    const [a, b] = [{ event: { rule: 'r' } }, { event: { rule: 'r' }, isTold: true }];
    const before = new Map<string, JsonValue>([
      ['group/rule="r"', { ...head, members: { aa: a, bb: b } }],
      ['watermark/0/web', { watermarkMs: 5, atMs: 6 }],
    ]);
    expect([...(ALERT_STATE.migrations?.[3]?.(before) ?? [])]).toEqual([
      ['group/rule="r"', head],
      ['member/aa/rule="r"', a],
      ['member/bb/rule="r"', b],
      ['watermark/0/web', { watermarkMs: 5, atMs: 6 }],
    ]);
  });

  it('is written as version 2 with groups whole, whichever cell of them has changed, and without what that does not know', () => {
    const head = { labels: { rule: 'r' }, createdMs: 1 };
    const [a, b] = [{ event: { rule: 'r' } }, { event: { rule: 's' }, isTold: true }];
    const all = new Map<string, JsonValue>([
      ['group/r="/"', head],
      ['member/aa/r="/"', a],
      ['member/bb/r="/"', b],
      ['member/cc/other', b],
      ['rules/in-use', { version: 'v' }],
    ]);
    const written = (...changes: (readonly [string, JsonValue | undefined])[]): unknown[] => [
      ...(ALERT_STATE.downgrades?.[2]?.(new Map(changes), () => all) ?? []),
    ];
    const whole = ['group/r="/"', { ...head, members: { aa: a, bb: b } }];
    expect(written(['member/bb/r="/"', b])).toEqual([whole]);
    expect(written(['member/dd/r="/"', undefined], ['rules/in-use', {}], ['alert/x', 1])).toEqual([
      ['alert/x', 1],
      whole,
    ]);
    all.delete('group/r="/"');
    expect(written(['group/r="/"', undefined])).toEqual([['group/r="/"', undefined]]);
    expect([
      ...(ALERT_STATE.downgrades?.[1]?.(
        new Map([['watermark/0/w', { watermarkMs: 5, atMs: 6 }]]),
        () => all,
      ) ?? []),
    ]).toEqual([['watermark/0/w', 5]]);
  });
});
